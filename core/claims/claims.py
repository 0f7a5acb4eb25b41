"""List the claims in the words of the article. No torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """A claim in the article's own words. Its translation, test and lesson are entries of the catalogue."""

    code: str
    quote: str
    is_tested: bool = True


CLAIMS: dict[str, Claim] = {
    claim.code: claim
    for claim in (
        Claim("C1", "메모리의 한계로 한번에 학습할 수 없습니다"),
        Claim("C2", "100장은 batch_size이고, 100묶음이 batch가 됩니다", is_tested=False),
        Claim("C3", "batch 단위로 가중치가 업데이트 됩니다"),
        Claim("C4", "100장/100개/100번, 1,000장/10개/10번 (1epoch)"),
        Claim("C5", "학습이 천천히 진행되며"),
        Claim("C6", "학습 방향이 잘못되었을 때 최적의 해로 방향을 트는 것이 어려울 수 있습니다"),
        Claim("C7", "학습이 큰 폭으로 진행이 되며, 학습이 빠르게 진행된다는 장점"),
        Claim("C8", "OOM(out-of-memory)오류가 발생될 수 있으며"),
        Claim("C9", "최적해 근처에서 수렴하지 못하는 문제점"),
        Claim("C10", "그렇기에 … 학습률이 큰 폭에서 작은 폭으로 변화하는 오토 학습률"),
        Claim("C11", "Batch Normalization: … Reducing Internal Covariate Shift"),
        Claim("C12", "면접에서 물어보면 차분하게 설명할 수 있도록", is_tested=False),
    )
}
TESTED = tuple(claim.code for claim in CLAIMS.values() if claim.is_tested)
