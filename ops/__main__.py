"""`python -m ops`: the launcher behind the make targets."""

import os
import sys
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape

from include.common.errors import ExportError
from ops.settings.profile import Runtime

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
# written to a file or a pipe, tables need a width of their own
console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 140)
Profile = Annotated[str, typer.Option(help="Отдельный набор баз, секретов и файлов под var/.")]


@app.command()
def up(profile: Profile = "main") -> None:
    """Запустить систему в фоне и дождаться, пока она готова."""
    from ops.one_machine.up import up as start

    running = start(Runtime(profile), console)
    console.print(f"Готово: {running.url}  вход: {running.login} / {running.password}")


@app.command()
def down() -> None:
    """Остановить всё, что запущено из этой папки; данные остаются."""
    from ops.one_machine.down import down as stop
    from ops.one_machine.down import profiles

    for runtime in profiles():
        stop(runtime, console)


@app.command()
def status() -> None:
    """Что работает сейчас."""
    from ops.one_machine.down import profiles, show_status

    healthy = [show_status(runtime, console) for runtime in profiles()]
    raise typer.Exit(0 if healthy and all(healthy) else 1)


@app.command()
def demo() -> None:
    """Показать всё в работе: имитация портала и распознавателя, настоящая выгрузка."""
    from ops.one_machine.demo import demo as show

    show(console)


@app.command(context_settings={"ignore_unknown_options": True})
def run(command: list[str], profile: Profile = "main") -> None:
    """Выполнить команду в окружении работающей системы."""
    from ops.one_machine.up import running_environment

    environment = running_environment(Runtime(profile))
    os.execvpe(command[0], command, environment)  # noqa: S606 - no shell: the command is the caller's own argv


@app.command(context_settings={"ignore_unknown_options": True})
def pg(
    tool: Literal["psql", "pg_dump", "pg_restore"],
    arguments: Annotated[list[str] | None, typer.Argument()] = None,
    profile: Profile = "main",
) -> None:
    """psql, pg_dump или pg_restore на базе состояния."""
    from ops.one_machine.pg_tools import run_tool

    run_tool(tool, arguments or [], Runtime(profile))


@app.command(context_settings={"ignore_unknown_options": True})
def container(
    command: list[str],
    api_url: Annotated[str, typer.Option(help="Где контейнеры находят api-server.")] = "http://api-server:8080",
) -> None:
    """Точка входа контейнера: `init` готовит базы и пулы, остальное — команда в окружении системы."""
    from ops.container import enter

    enter(command, api_url, console)


def main() -> None:
    """One sentence for what a person can repair, a traceback for what only we can."""
    try:
        app()
    except ExportError as error:
        console.print(escape(str(error)), style="red")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
