"""Who may import whom, and what must not stand in the repository."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

ROOMS = ("incident", "workflows", "activities", "chat", "documents", "entrypoints", "emulators")
STANDARD = set(sys.stdlib_module_names)


def imports(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def files(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("file", files("incident"), ids=lambda f: str(f.relative_to(ROOT)))
def test_the_domain_imports_the_standard_library_and_pydantic_only(file: Path) -> None:
    heads = {name.partition(".")[0] for name in imports(file)}
    # Verifying a signature and comparing two documents is as pure as adding; nobody writes that by hand.
    pure = {"proof.py": {"cryptography"}, "snapshots.py": {"jsonpatch"}}.get(file.name, set())
    assert heads - STANDARD <= {"incident", "pydantic"} | pure


@pytest.mark.parametrize("file", files("workflows"), ids=lambda f: str(f.relative_to(ROOT)))
def test_workflows_import_the_domain_activities_and_temporal(file: Path) -> None:
    heads = {name.partition(".")[0] for name in imports(file)}
    assert heads - STANDARD <= {"incident", "workflows", "activities", "temporalio"}


@pytest.mark.parametrize("file", files("workflows"), ids=lambda f: str(f.relative_to(ROOT)))
def test_no_workflow_waits_as_only_one_python_does(file: Path) -> None:
    """`asyncio.wait_for` and what awaits it differ from one Python to the next; a set of tasks is ordered by address."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "asyncio":
            forbidden = {"wait_for", "timeout", "timeout_at", "wait", "as_completed", "TaskGroup", "run"}
            assert node.attr not in forbidden, f"{file.name}:{node.lineno}: asyncio.{node.attr}"
        if isinstance(node, ast.ImportFrom):
            assert node.module != "asyncio", f"{file.name}:{node.lineno}: write asyncio.NAME, so that it can be seen"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "wait_condition":
            assert "timeout" not in {k.arg for k in node.keywords}, f"{file.name}:{node.lineno}: use wait_until"
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Name)
            and node.value.id in ("set", "frozenset")
        ):
            held = ast.unparse(node.slice)
            assert "Task" not in held and "Handle" not in held, f"{file.name}:{node.lineno}: a set of {held}"


FAILURES = {"ActivityError", "FailureError", "ChildWorkflowError", "BaseException", "Exception"}


@pytest.mark.parametrize("file", files("workflows"), ids=lambda f: str(f.relative_to(ROOT)))
def test_a_cancellation_is_never_taken_for_a_failure(file: Path) -> None:
    """It is raised once: whatever catches it and goes on waits for ever (`workflows.tasks`)."""
    for node in ast.walk(ast.parse(file.read_text())):
        for handler in node.handlers if isinstance(node, ast.Try) and _awaits(node.body) else ():
            names = ast.walk(handler.type) if handler.type is not None else ()
            caught = {name.id for name in names if isinstance(name, ast.Name)} & FAILURES
            told_apart = {"raise_if_cancelled", "is_cancelled_exception"} & set(_called(handler))
            assert told_apart or not caught, f"{file.name}:{handler.lineno}: a cancelled activity is caught"
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("suppress", "contextlib.suppress"):
            assert not FAILURES & set(map(ast.unparse, node.args)), f"{file.name}:{node.lineno}: a cancelled activity"
        if isinstance(node, ast.Await) and isinstance(node.value, ast.Call) and file.name != "tasks.py":
            what = ast.unparse(node.value.func)
            sends = what.endswith((".signal", "workflow.start_child_workflow"))
            assert not sends, f"{file.name}:{node.lineno}: a cancellation is lost here: `await tasks.complete(…)`"


def _awaits(body: list[ast.stmt]) -> bool:
    return any(isinstance(node, ast.Await) for statement in body for node in ast.walk(statement))


def _called(node: ast.AST) -> list[str]:
    calls = [call.func for call in ast.walk(node) if isinstance(call, ast.Call)]
    return [ast.unparse(function).rpartition(".")[2] for function in calls]


@pytest.mark.parametrize("file", files("activities"), ids=lambda f: str(f.relative_to(ROOT)))
def test_activities_import_the_domain_and_sdks(file: Path) -> None:
    heads = {name.partition(".")[0] for name in imports(file)}
    sdks = {"aiohttp", "pdpyras", "pydantic", "requests", "slack_sdk", "sqlalchemy", "temporalio", "xdk", "yarl"}
    leaves = {"durable"}  # as general as the standard library
    assert heads - STANDARD <= {"incident", "activities", "chat"} | leaves | sdks
    # What Slack looks like is the chat's matter; of it the activities know how a message is drawn.
    assert {name for name in imports(file) if name.startswith("chat")} <= {"chat", "chat.blocks"}


@pytest.mark.parametrize("file", files("documents"), ids=lambda f: str(f.relative_to(ROOT)))
def test_documents_import_the_domain_and_what_draws(file: Path) -> None:
    heads = {name.partition(".")[0] for name in imports(file)}
    assert heads - STANDARD <= {"incident", "documents", "jinja2", "markupsafe", "matplotlib"}


def test_the_emulators_know_nothing_of_the_product_nor_it_of_them() -> None:
    product = set(ROOMS) - {"emulators"} | {"settings", "worker", "connection", "durable", "supervision"}
    for file in files("emulators"):
        assert not {name.partition(".")[0] for name in imports(file)} & product, file
    for room in product & set(ROOMS):
        for file in files(room):
            assert "emulators" not in {name.partition(".")[0] for name in imports(file)}, file


def test_pdpyras_is_known_in_one_place_and_slack_in_few() -> None:
    everywhere = [f for room in ROOMS for f in files(room)] + [ROOT / "worker.py", ROOT / "settings.py"]

    def who(*heads: str) -> set[str]:
        return {str(f.relative_to(ROOT)) for f in everywhere if {n.partition(".")[0] for n in imports(f)} & set(heads)}

    assert who("pdpyras") == {"activities/pagerduty.py"}
    assert who("cryptography") == {"incident/proof.py", "entrypoints/signing.py"}
    assert who("xdk") == {"activities/social.py"}
    # errors.py is the one table of provider errors; doctor looks at tokens and scopes.
    calls = {"activities/chat.py", "activities/slack_calls.py"}
    allowed = {*calls, "activities/errors.py", "entrypoints/doctor.py", "worker.py"}
    assert {f for f in who("slack_sdk", "slack_bolt") if not f.startswith("chat/")} == allowed


def test_what_is_passed_through_the_sandbox_has_no_mutable_state_of_its_own() -> None:
    """Workflows share these modules: a list or dict at module level that code changes would leak between them."""
    for room in ("incident", "workflows"):
        for file in files(room):
            for node in ast.walk(ast.parse(file.read_text())):
                assert not isinstance(node, ast.Global), f"{file} changes a module variable"


IMPURE = (
    "datetime.now",
    "datetime.utcnow",
    "time.time",
    "time.monotonic",
    "time.sleep",
    "uuid4",
    "urandom",
    "getenv",
    "open",
)


@pytest.mark.parametrize("file", [*files("incident"), *files("workflows")], ids=lambda f: str(f.relative_to(ROOT)))
def test_nothing_that_differs_between_two_replays_is_called(file: Path) -> None:
    """Workflows run without Temporal's sandbox: this is what it would have caught."""
    tree = ast.parse(file.read_text())
    assert not {name.partition(".")[0] for name in imports(file)} & {
        "random",
        "os",
        "time",
        "threading",
        "socket",
        "secrets",
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in IMPURE and not called.endswith((".now.utcnow", "asyncio.sleep", "asyncio.wait")), (
                called
            )
        assert not isinstance(node, ast.Set | ast.SetComp) or not _iterated(tree, node), "iteration over a set"


def _iterated(tree: ast.AST, found: ast.AST) -> bool:
    return any(isinstance(node, ast.For | ast.comprehension) and node.iter is found for node in ast.walk(tree))


def test_no_registry_host_stands_in_the_repository() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    hosts = ("pypi" + ".org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com", "files.python" + "hosted")
    for name in tracked:
        file = ROOT / name
        if file.suffix in (".png", ".gz", ".svg") or not file.exists():
            continue
        text = file.read_text(errors="ignore")
        assert not [host for host in hosts if host in text], name


def test_workflow_package_stays_empty() -> None:
    assert (ROOT / "workflows" / "__init__.py").read_text() == ""
