"""A command of `jobs/` that speaks Russian: help, mistakes in its arguments, and errors of the product."""

import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click

from include.calls.wording import command_line
from include.common.errors import BadInput, ExportError

REFUSED, FAILED = 2, 1  # exit status


class Command(click.Command):
    """Exit status 2 if nothing was changed because the request is refused, 1 if it failed."""

    def __init__(self, name: str | None, **kwargs: Any) -> None:
        super().__init__(
            name,
            options_metavar=command_line.OPTIONS_METAVAR,
            context_settings={"help_option_names": ["-h", "--help"]},
            **kwargs,
        )

    def main(self, *args: Any, **kwargs: Any) -> Any:
        _end_in_russian(lambda: super(Command, self).main(*args, **{**kwargs, "standalone_mode": False}))

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = command_line.HELP
        return option

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        pieces = " ".join(self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, pieces, prefix=command_line.USAGE)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        records = [record for option in self.get_params(ctx) if (record := option.get_help_record(ctx)) is not None]
        with formatter.section(command_line.OPTIONS):
            formatter.write_dl([(names, text.replace("[required]", command_line.REQUIRED)) for names, text in records])


class Group(click.Group):
    """Verbs that end as a `Command` does: click asks the group, not the verb, what an error becomes."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        _end_in_russian(lambda: super(Group, self).main(*args, **{**kwargs, "standalone_mode": False}))


def _end_in_russian(run: Callable[[], Any]) -> NoReturn:
    try:
        sys.exit(run() or 0)
    except click.UsageError as error:
        click.echo(_sentence(error), err=True)
        sys.exit(REFUSED)
    except BadInput as error:
        click.echo(command_line.refused(error), err=True)
        sys.exit(REFUSED)
    except ExportError as error:
        click.echo(command_line.failed(error), err=True)
        sys.exit(FAILED)


def _sentence(error: click.UsageError) -> str:
    match error:
        case click.NoSuchOption():
            return command_line.no_such_option(error.option_name)
        case click.MissingParameter(param=click.Parameter() as option):
            return command_line.missing(option.opts[0])
        case click.BadParameter(param=click.Parameter() as option):
            return command_line.bad_value(option.opts[0])
        case click.BadOptionUsage():
            return command_line.missing_value(error.option_name)
        case _:
            return command_line.UNREADABLE
