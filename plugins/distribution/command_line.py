"""The commands `airflow call-export ...`, which an installed distribution adds to Airflow's own command line.

Every `airflow` command imports this file; what a command does is imported when it runs.
"""

import argparse

from airflow.cli.cli_config import ActionCommand, Arg, CLICommand, GroupCommand, lazy_load_command

from include.common.wording import airflow_commands as texts

_JOB = Arg(("job",), help=texts.JOB_NAME, metavar="JOB")  # type: ignore[no-untyped-call]
_REST = {"nargs": argparse.REMAINDER, "metavar": "..."}
_ARGUMENTS = Arg(("arguments",), help=texts.JOB_ARGUMENTS, **_REST)  # type: ignore[no-untyped-call]


def commands() -> list[CLICommand]:
    """Named as the entry `cli` in `provider_info.py`."""
    return [
        GroupCommand(
            name="call-export",
            help=texts.GROUP,
            subcommands=(
                ActionCommand("migrate", texts.MIGRATE, lazy_load_command("plugins.distribution.commands.migrate"), ()),
                ActionCommand("pools", texts.POOLS, lazy_load_command("plugins.distribution.commands.pools"), ()),
                ActionCommand(
                    "job", texts.JOB, lazy_load_command("plugins.distribution.commands.job"), (_JOB, _ARGUMENTS)
                ),
            ),
        )
    ]
