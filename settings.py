"""What this process is told by its environment and `.env`: accounts, addresses, places on disk.

Practice or real is decided here, once: in practice Slack and PagerDuty are both the emulators', else neither is; and the
outlets that customers read are of the same kind.
"""

from __future__ import annotations

import json
import logging
import os
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from incident.policy import BadPolicy, Organisation, read_organisation

SLACK = "https://slack.com/api/"
PAGERDUTY = "https://api.pagerduty.com"
STATUSPAGE = "https://api.statuspage.io"
X = "https://api.x.com"
PRACTICE_KEYS = {
    "SLACK_BOT_TOKEN": "xoxb-practice",
    "SLACK_APP_TOKEN": "xapp-practice",
    "PAGERDUTY_API_KEY": "practice-pagerduty",
    "PAGERDUTY_FROM": "dont-panic@example.com",
    "PAGERDUTY_WEBHOOK_SECRET": "practice-webhook",
    "STATUSPAGE_API_KEY": "practice-statuspage",
    "SHOP_TOKEN": "practice-shop-token",
    "X_API_KEY": "practice-x",
    "X_API_SECRET": "practice-x-secret",
    "X_ACCESS_TOKEN": "practice-x-token",
    "X_ACCESS_TOKEN_SECRET": "practice-x-token-secret",
}


PRIVATE = frozenset(
    {
        "DATABASE_URL",
        "PAGERDUTY_API_KEY",
        "PAGERDUTY_WEBHOOK_SECRET",
        "SLACK_APP_TOKEN",
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
        "STATUSPAGE_API_KEY",
        "X_ACCESS_TOKEN",
        "X_ACCESS_TOKEN_SECRET",
        "X_API_KEY",
        "X_API_SECRET",
    }
)
"""What opens something of the organisation's. `ic up` gives each process what it needs of them."""


class Misconfigured(Exception):
    """One sentence that says what to do."""


class Settings(BaseModel):
    """Named as in the environment, in capitals. Secrets do not show when it is printed."""

    model_config = ConfigDict(extra="ignore", alias_generator=str.upper, validate_by_name=True)

    slack_bot_token: SecretStr = SecretStr("")
    slack_app_token: SecretStr = SecretStr("")
    slack_signing_secret: SecretStr = SecretStr("")
    slack_api_url: str = SLACK
    pagerduty_api_key: SecretStr = SecretStr("")
    pagerduty_api_url: str = PAGERDUTY
    pagerduty_from: str = ""
    pagerduty_webhook_secret: SecretStr = SecretStr("")
    statuspage_api_key: SecretStr = SecretStr("")
    statuspage_api_url: str = STATUSPAGE
    x_api_key: SecretStr = SecretStr("")
    x_api_secret: SecretStr = SecretStr("")
    x_access_token: SecretStr = SecretStr("")
    x_access_token_secret: SecretStr = SecretStr("")
    x_api_url: str = X
    database_url: str = ""
    config: Path = Field(Path("config/example.toml"), alias="DONT_PANIC_CONFIG")
    state: Path = Field(Path(".state"), alias="DONT_PANIC_STATE")
    listen: str = Field("", alias="DONT_PANIC_LISTEN")
    web_ui: str = Field("", alias="DONT_PANIC_WEB_UI")
    person: str = Field("", alias="IC_USER")
    step_user: str = Field("", alias="DONT_PANIC_STEP_USER")
    """The user that the commands of repair actions run as; empty: the runner's own."""
    _read_at: tuple[tuple[int, int], ...] = ()
    _newest: Organisation | None = None

    @property
    def practice(self) -> bool:
        """Both are the emulators'. Raises Misconfigured on a mix, and when there is nothing to reach."""
        slack, pagerduty = _local(self.slack_api_url), _local(self.pagerduty_api_url)
        if slack and pagerduty:
            self._outlets_are(practice=True)
            return True
        if slack or pagerduty:
            raise Misconfigured(
                "Practice and real never mix: "
                + ("SLACK_API_URL" if slack else "PAGERDUTY_API_URL")
                + " is an emulator and the other is not. Set both to the emulators, or neither."
            )
        if not self.slack_bot_token.get_secret_value():
            raise Misconfigured("SLACK_BOT_TOKEN is missing. `ic up` starts a practice that needs no account.")
        if not self.pagerduty_api_key.get_secret_value():
            raise Misconfigured(
                "There is a real Slack and no PAGERDUTY_API_KEY: nobody could be paged. Set it, or practise with `ic up`."
            )
        if not self.pagerduty_from:
            raise Misconfigured("PAGERDUTY_FROM is missing: the e-mail of the PagerDuty user the pages come from.")
        self._outlets_are(practice=False)
        return False

    @property
    def rehearsal(self) -> bool:
        """For a runner, which has no keys: one of the two is the emulators'."""
        return _local(self.slack_api_url) or _local(self.pagerduty_api_url)

    @property
    def x_tokens(self) -> tuple[str, str, str, str] | None:
        """Key and secret of the app, token and secret of the account; None when one of them is missing."""
        found = (self.x_api_key, self.x_api_secret, self.x_access_token, self.x_access_token_secret)
        key, secret, token, token_secret = (one.get_secret_value() for one in found)
        return (key, secret, token, token_secret) if all((key, secret, token, token_secret)) else None

    def _outlets_are(self, *, practice: bool) -> None:
        """What customers would read: emulated in practice, real otherwise, or not there."""
        outlets = (
            ("STATUSPAGE_API_URL", self.statuspage_api_url, bool(self.statuspage_api_key.get_secret_value())),
            ("X_API_URL", self.x_api_url, self.x_tokens is not None),
        )
        for name, url, there in outlets:
            if there and _local(url) is not practice:
                kind, other = ("an emulator", "real") if _local(url) else ("real", "the emulators'")
                raise Misconfigured(
                    f"Practice and real never mix: {name} is {kind} and Slack and PagerDuty are {other}."
                )

    @property
    def pagerduty_webhook_secrets(self) -> list[SecretStr]:
        """Several, parted by commas, while one is being replaced."""
        parts = self.pagerduty_webhook_secret.get_secret_value().split(",")
        return [SecretStr(part.strip()) for part in parts if part.strip()]

    @cached_property
    def organisation(self) -> Organisation:
        """Raises Misconfigured when there is no such file, BadPolicy when it cannot be used."""
        return self.read_organisation()

    def read_organisation(self) -> Organisation:
        """As the files are now. Raises as `organisation` does."""
        try:
            text = self.config.read_text()
        except OSError as error:
            raise Misconfigured(
                f"The organisation's file {self.config} cannot be read ({error.strerror}). Set DONT_PANIC_CONFIG."
            ) from None
        return read_organisation(text, str(self.config), self._catalogue_files)

    def _catalogue_files(self, folder: str) -> dict[str, str]:
        """The TOML files of a folder that the organisation's file names, beside which it lies."""
        place = self.config.parent / folder
        if not place.is_dir():
            raise Misconfigured(f"{self.config}: catalogue: there is no folder {place}.")
        return {str(file): file.read_text() for file in sorted(place.glob("*.toml"))}

    @property
    def output(self) -> Path:
        """Where all output of repair actions is kept."""
        return self.state / "output"

    def present(self) -> Organisation:
        """As the file stands now: read again when it changed. One that cannot be used leaves what was good before."""
        try:
            files = [self.config, *sorted(self.config.parent.glob("*/*.toml"))]  # the catalogue lies beside it
            marks = tuple((stat.st_mtime_ns, stat.st_size) for stat in (file.stat() for file in files))
            if marks != self._read_at:
                self._read_at = marks
                self._newest = self.read_organisation()
        except (OSError, BadPolicy, Misconfigured) as fault:
            logging.getLogger(__name__).error("the organisation's file is not taken: %s", fault)
        return self._newest or self.organisation

    @property
    def listener_key(self) -> Path:
        """In a folder of its own, which nothing but the listener needs to see."""
        return self.state / "keys" / "listener.key"

    @property
    def on_call_book(self) -> Path:
        return self.state / "on-call.json"

    @property
    def records_url(self) -> str:
        return self.database_url or f"sqlite:///{(self.state / 'records.db').absolute()}"


def load() -> Settings:
    """From the environment, `.env`, and the copy that `ic up` keeps running in the state directory, in this order."""
    running = running_copy(Path(os.environ.get("DONT_PANIC_STATE", ".state")))
    for name, value in running.items():
        os.environ.setdefault(name, value)
    return from_environment()


def from_environment() -> Settings:
    """From the environment and `.env` alone."""
    try:
        return Settings.model_validate({**_env_file(Path(".env")), **os.environ})
    except ValidationError as error:
        fault = error.errors()[0]
        raise Misconfigured(f"{'.'.join(str(part) for part in fault['loc']).upper()}: {fault['msg']}") from None


def _env_file(file: Path) -> dict[str, str | None]:
    if not file.exists():
        return {}
    from dotenv import dotenv_values  # most machines have no `.env`, and `ic` lives for half a second

    return dotenv_values(file)


def running_copy(state: Path) -> dict[str, str]:
    """What `ic up` wrote for the doors that talk to it; empty when nothing runs there."""
    try:
        written: dict[str, str] = json.loads((state / "up.json").read_text())["environment"]
        return written
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _local(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
