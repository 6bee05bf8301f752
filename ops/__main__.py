"""`python -m ops`: the launcher behind the make targets."""

import os
import sys
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape

from include.calls.wording import problems as calls
from include.common.errors import ExportError
from include.common.wording import problems
from ops.settings.profile import Runtime
from ops.wording import launcher as wording
from ops.wording import problems as ops_problems

app = typer.Typer(add_completion=False, no_args_is_help=True, help=wording.LAUNCHER, pretty_exceptions_enable=False)
# Written to a file or a pipe, tables need a width of their own.
console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 140)
Profile = Annotated[str, typer.Option(help=wording.PROFILE)]
AS_TYPED = {"ignore_unknown_options": True}


@app.command(help=wording.COMMANDS["up"])
def up(
    profile: Profile = "main",
    schedule: Annotated[bool, typer.Option("--schedule", help=wording.SCHEDULE)] = False,
) -> None:
    from ops.one_machine.up import up as start

    running = start(Runtime(profile), console, schedule=schedule)
    console.print(wording.READY.format(url=running.url, login=running.login, password=running.password))


@app.command(help=wording.COMMANDS["down"])
def down() -> None:
    from ops.one_machine.down import down as stop
    from ops.one_machine.down import profiles

    for runtime in profiles():
        stop(runtime, console)


@app.command(help=wording.COMMANDS["status"])
def status() -> None:
    from ops.one_machine.down import profiles, show_status

    wanted = [healthy for runtime in profiles() if (healthy := show_status(runtime, console)) is not None]
    raise typer.Exit(0 if wanted and all(wanted) else 1)


@app.command(help=wording.COMMANDS["demo"])
def demo(scores: Annotated[bool, typer.Option("--scores", help=wording.DEMO_SCORES)] = False) -> None:
    from ops.one_machine.demo import demo as show

    show(console, scores=scores)


@app.command("sales-demo", help=wording.COMMANDS["sales-demo"])
def sales_demo() -> None:
    from ops.one_machine.sales_demo import sales_demo as show

    show(console)


@app.command(help=wording.COMMANDS["run"], context_settings=AS_TYPED)
def run(
    command: list[str],
    profile: Profile = "main",
    before_start: Annotated[bool, typer.Option("--before-start", help=wording.BEFORE_START)] = False,
) -> None:
    from ops.one_machine.up import environment_before_start, running_environment

    runtime = Runtime(profile)
    environment = environment_before_start(runtime, console) if before_start else running_environment(runtime)
    os.execvpe(command[0], command, environment)  # noqa: S606 - no shell: the command is the caller's own argv


@app.command(help=wording.COMMANDS["pg"], context_settings=AS_TYPED)
def pg(
    tool: Literal["psql", "pg_dump", "pg_restore"],
    arguments: Annotated[list[str] | None, typer.Argument()] = None,
    profile: Profile = "main",
    role: Annotated[Literal["app", "read", "metrics"] | None, typer.Option(help=wording.ROLE)] = None,
) -> None:
    from include.calls.state.rights import Role
    from ops.one_machine.pg_tools import run_tool

    run_tool(tool, arguments or [], Runtime(profile), Role(role) if role else None)


@app.command(help=wording.COMMANDS["backup"])
def backup(profile: Profile = "main") -> None:
    from ops.one_machine.backup_commands import backups_of

    backups_of(Runtime(profile), console).back_up()


@app.command("verify-backup", help=wording.COMMANDS["verify-backup"])
def verify_backup(
    backup_id: Annotated[str, typer.Argument()] = "latest",
    files: Annotated[bool, typer.Option(help=wording.EVERY_FILE)] = False,
    profile: Profile = "main",
) -> None:
    from ops.one_machine.backup_commands import backups_of

    backups_of(Runtime(profile), console).verify(backup_id, every_pack=files)


@app.command(help=wording.COMMANDS["restore"])
def restore(
    backup_id: str,
    into: Annotated[str, typer.Option(help=wording.RESTORE_INTO)] = "",
    aside: Annotated[bool, typer.Option(help=wording.RESTORE_ASIDE)] = False,
    files: Annotated[bool, typer.Option(help=wording.RESTORE_FILES)] = True,
    profile: Profile = "main",
) -> None:
    from ops.one_machine.backup_commands import restore as bring_back

    bring_back(Runtime(profile), console, backup_id, into=into, aside=aside, files=files)


@app.command("backup-key", help=wording.COMMANDS["backup-key"])
def backup_key() -> None:
    from include.common.sealing import new_key

    print(new_key())


@app.command("stt-smoke", help=wording.COMMANDS["stt-smoke"], context_settings=AS_TYPED)
def stt_smoke(
    arguments: Annotated[list[str] | None, typer.Argument()] = None,
    profile: Profile = "main",
) -> None:
    from ops.one_machine.smoke import smoke

    raise typer.Exit(smoke(Runtime(profile), arguments or []))


@app.command(help=wording.COMMANDS["roles"])
def roles(profile: Profile = "main") -> None:
    from ops.one_machine.up import make_roles_again

    make_roles_again(Runtime(profile), console)


@app.command(help=wording.COMMANDS["container"], context_settings=AS_TYPED)
def container(
    command: list[str],
    api_url: Annotated[str, typer.Option(help=wording.API_URL)] = "",
) -> None:
    from ops.container import enter

    enter(command, api_url, console)


def sentence(error: ExportError) -> str:
    """The Russian sentence for an error of the launcher or of the policy that it reads."""
    return problems.sentence(error, ops_problems.PROBLEMS, calls.PROBLEMS)


def main() -> None:
    """Prints one sentence for an error that an operator can correct; other errors keep their traceback."""
    try:
        app()
    except ExportError as error:
        console.print(escape(f"{sentence(error)}."), style="red")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
