"""A chart's figures, as the page's chart and its table twin show them."""

from decimal import Decimal
from typing import Literal, Self

from pydantic import model_validator

from shared.contract import Model

Kind = Literal["bar", "bar-horizontal", "line", "pie", "heatmap", "map"]
Format = Literal["number", "money", "percent"]
Figure = int | float | Decimal | None


class Series(Model):
    """One row of figures, as many as the chart has labels; None is unknown, not zero."""

    name: str
    values: list[Figure]


class Chart(Model):
    """What `kit.chart` draws.

    `map` has INEC province codes as labels and their names in `names`; `heatmap` has a series
    per row; `pie` and `map` show the first series. Shares are between 0 and 1.
    """

    kind: Kind
    labels: list[str]
    series: list[Series]
    format: Format = "number"
    stacked: bool = False
    names: list[str] | None = None  # what the table calls the labels

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        sizes = {len(self.labels), *(len(series.values) for series in self.series)}
        if len(sizes) != 1 or not self.series:
            raise ValueError("every series needs a value per label")
        return self

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw: no label, or no figure but zero."""
        return not any(value for series in self.series for value in series.values)

    @property
    def rows(self) -> list[tuple[str, list[Figure]]]:
        """The table twin: a label and its figure in each series."""
        columns = zip(*(series.values for series in self.series), strict=True)
        return list(zip(self.names or self.labels, map(list, columns), strict=True))

    @property
    def drawn(self) -> dict[str, object]:
        """What the script reads."""
        return {
            "labels": self.labels,
            "format": self.format,
            "stacked": self.stacked,
            "series": [
                {"name": series.name, "values": [_plain(value) for value in series.values]}
                for series in self.series
            ],
        }


def _plain(value: Figure) -> int | float | None:
    return float(value) if isinstance(value, Decimal) else value
