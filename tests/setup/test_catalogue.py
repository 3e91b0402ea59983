"""`ic catalogue`: what the program says, and its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from emulators.shop.front import TOKEN, start
from tests.configured import example
from tests.conftest import CONFIG, ROOT


def ic(*words: str, **environment: str) -> tuple[int, str, str]:
    command = [sys.executable, "-W", "ignore", "-m", "entrypoints.cli", "catalogue", *words]
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SHOP_", "DONT_PANIC"))}
    known = {"DONT_PANIC_CONFIG": str(CONFIG / "example.toml"), "DONT_PANIC_STATE": "/nowhere", **environment}
    done = subprocess.run(command, cwd=ROOT, env={**clean, **known}, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_check_validates_and_explains(tmp_path: Path) -> None:
    code, out, _ = ic("check")
    assert code == 0 and "event flood\n  throttle" in out and "entries, all right." in out
    file = tmp_path / "bad.toml"
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "x.toml").write_text('[[catalogue]]\nid = "x"\ntrouble = "t"\ntitle = "t"\n')
    file.write_text(example(tmp_path / "c"))
    code, _, err = ic("check", str(file))
    assert code == 2 and "x.toml: entry x: apply: Field required" in err


def test_show_says_what_an_entry_will_do() -> None:
    code, out, _ = ic("show", "throttle")
    assert code == 0 and "POST ${SHOP_URL}/throttle with to={percent}" in out
    code, _, err = ic("show", "nothing")
    assert code == 2 and "has no 'nothing'" in err


def test_try_carries_out_the_check_and_nothing_else(tmp_path: Path) -> None:
    with start(tmp_path / "shop") as shop:
        there = {"SHOP_URL": shop.url, "SHOP_TOKEN": TOKEN}
        code, out, _ = ic("try", "rollback", "service=shop-api", **there)
        assert code == 0 and "status ok, release 1.1" in out
        shop.shop.get_into("event flood")
        code, out, _ = ic("try", "throttle", "percent=20", **there)
        assert code == 1 and "queue is grows, not empty" in out
        code, _, err = ic("try", "throttle", "percent=2000", **there)
        assert code == 2 and "a whole number from 1 to 90" in err
        code, _, err = ic("try", "drain-by-hand", "centre=east", **there)
        assert code == 2 and "Only checks can be tried" in err
        assert shop.shop.did() == []
    code, out, _ = ic("try", "rollback", "service=shop-api")
    assert code == 1 and "SHOP_URL is not set where it runs" in out
