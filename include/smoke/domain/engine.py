"""An engine: a model at an address, with what is asked of it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from include.common.errors import BadInput
from include.common.money import call_cost
from include.smoke.names import DEFAULT, STUB, STUB_SERVICE
from include.speech.model_profiles import profile_of
from include.speech.request_order import Hints


class ProductSettings(Protocol):
    """What the product asks of its recogniser: the section `stt` of the policy of calls."""

    @property
    def model(self) -> str: ...
    @property
    def fallback_model(self) -> str: ...
    @property
    def keywords(self) -> tuple[str, ...]: ...
    @property
    def prompt(self) -> str: ...
    @property
    def max_file_minutes(self) -> float: ...
    @property
    def timeout_seconds(self) -> float | None: ...
    @property
    def rate_per_min_usd(self) -> Decimal | None: ...
    @property
    def fallback_rate_per_min_usd(self) -> Decimal | None: ...


class EngineSettings(Protocol):
    """What the smoke policy says of an engine; empty values are the product's own."""

    @property
    def model(self) -> str: ...
    @property
    def fallback_model(self) -> str: ...
    @property
    def connection(self) -> str: ...
    @property
    def rate_per_min_usd(self) -> Decimal | None: ...


@dataclass(frozen=True, slots=True)
class Engine:
    """`connection`: the Airflow connection of its service; rates in USD a minute."""

    name: str
    model: str
    fallback_model: str
    connection: str
    hints: Hints
    max_file_minutes: float
    timeout_seconds: float | None
    rate: Decimal
    fallback_rate: Decimal

    @property
    def is_stub(self) -> bool:
        return self.connection == STUB_SERVICE

    @property
    def digest(self) -> str:
        """Responses of engines with another one are no responses of this engine."""
        asked = "\0".join((self.name, self.model, self.fallback_model, self.connection, self.hints.digest))
        return hashlib.sha256(asked.encode()).hexdigest()[:16]

    def cost(self, seconds: float, heard_again: float = 0.0) -> Decimal:
        """Whole minutes, rounded up once a call; what the fallback heard again likewise, at its own rate."""
        again = call_cost(heard_again, self.fallback_rate) if heard_again else Decimal(0)
        return call_cost(seconds, self.rate) + again


def engine_of(
    name: str,
    known: Mapping[str, EngineSettings],
    product: ProductSettings,
    *,
    language: str,
    default_connection: str,
) -> Engine:
    """Raises BadInput for a name that the policy does not have."""
    if name == STUB:
        model, fallback, connection, rate = "gpt-transcribe", "", STUB_SERVICE, Decimal(0)
    elif name == DEFAULT:
        model, fallback, connection = product.model, product.fallback_model, default_connection
        rate = _rate(product.rate_per_min_usd, model)
    elif name in known:
        own = known[name]
        model, fallback, connection = own.model, own.fallback_model, own.connection or default_connection
        rate = _rate(own.rate_per_min_usd, model)
    else:
        names = ", ".join([DEFAULT, STUB, *sorted(known)])
        raise BadInput(
            f"no engine is called {name!r}; there are {names}", problem="unknown_engine", engine=name, known=names
        )
    return Engine(
        name=name,
        model=model,
        fallback_model="" if fallback == model else fallback,
        connection=connection,
        hints=Hints((language,), () if name == STUB else product.keywords, "" if name == STUB else product.prompt),
        max_file_minutes=product.max_file_minutes,
        timeout_seconds=product.timeout_seconds,
        rate=rate,
        fallback_rate=_rate(product.fallback_rate_per_min_usd, fallback),
    )


def _rate(set_rate: Decimal | None, model: str) -> Decimal:
    return profile_of(model).rate_per_min_usd if set_rate is None else set_rate
