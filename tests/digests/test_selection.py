"""What a reader gets: theirs, new to them, in order, nothing lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from newsletter.digests.selection import MAX_HEADLINES, Candidate, Selection, TooFew, select

articles = st.builds(Candidate, st.integers(1, 60), st.frozensets(st.integers(1, 5), max_size=3))
candidate_lists = st.lists(articles, max_size=40, unique_by=lambda candidate: candidate.article_id)
topic_choices = st.none() | st.frozensets(st.integers(1, 5), min_size=1)


@given(
    candidates=candidate_lists,
    topics=topic_choices,
    received=st.frozensets(st.integers(1, 60)),
    minimum=st.integers(0, 4),
    maximum=st.integers(1, 12),
)
def test_selection_is_everything_owed_in_order_and_nothing_else(
    candidates: list[Candidate], topics: frozenset[int] | None, received: frozenset[int], minimum: int, maximum: int
) -> None:
    owed = [
        c.article_id
        for c in candidates
        if c.article_id not in received and (topics is None or not c.topics or c.topics & topics)
    ]

    result = select(candidates, topics=topics, received=received, minimum=minimum, maximum=maximum)

    if isinstance(result, TooFew):
        assert result.count == len(owed) < max(minimum, 1)
    else:
        shown = [*result.stories, *result.headlines]
        assert shown == owed[: maximum + MAX_HEADLINES]
        assert len(result.stories) == min(maximum, len(owed))


def test_article_without_topics_is_for_everybody() -> None:
    result = select([Candidate(1)], topics=frozenset({9}), received=(), minimum=1, maximum=8)

    assert result == Selection(stories=(1,))


def test_reader_who_has_had_everything_is_owed_nothing() -> None:
    result = select([Candidate(1), Candidate(2)], topics=None, received={1, 2}, minimum=1, maximum=8)

    assert result == TooFew(0)


def test_equal_selections_share_a_key_and_different_places_do_not() -> None:
    one, same = Selection((1, 2), (3,)), Selection((1, 2), (3,))
    moved = Selection((1, 2, 3))

    assert one.content_key == same.content_key != moved.content_key
