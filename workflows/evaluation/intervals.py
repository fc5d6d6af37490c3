"""Success rates with confidence intervals."""

from dataclasses import dataclass
from typing import Any

import numpy as np

_Z95 = 1.959963984540054  # quantile of the normal distribution, two-sided 95 %


@dataclass(frozen=True, slots=True)
class Share:
    """`successes` of `count` trials."""

    successes: int
    count: int

    @property
    def pct(self) -> float:
        """Success rate in percent; NaN without trials."""
        return 100.0 * self.successes / self.count if self.count else float("nan")

    @property
    def interval_pct(self) -> tuple[float, float]:
        """Wilson score interval (Wilson, 1927) at 95 %, in percent; (0, 100) without trials."""
        if self.count == 0:
            return 0.0, 100.0
        n, p, z = self.count, self.successes / self.count, _Z95
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * float(np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)))
        return 100.0 * max(0.0, middle - half), 100.0 * min(1.0, middle + half)

    def as_dict(self) -> dict[str, Any]:
        low, high = self.interval_pct
        pct = round(self.pct, 1) if self.count else None
        return {"pct": pct, "low_pct": round(low, 1), "high_pct": round(high, 1), "of": self.count}
