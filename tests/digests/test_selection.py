"""What a reader gets: theirs, new to them, in order, nothing lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from newsletter.digests.assembly import shortened
from newsletter.digests.selection import MAX_HEADLINES, Candidate, Limits, Offering, Selection, TooFew, select

TOPICS, FEEDS, SECTIONS = st.integers(1, 5), st.integers(1, 3), st.sampled_from(["", "Harbor", "Schools", "Sport"])
articles = st.builds(
    Candidate,
    article_id=st.integers(1, 200),
    topics=st.frozensets(TOPICS, max_size=3),
    section=SECTIONS,
    feeds=st.frozensets(FEEDS, max_size=2),
    is_pinned=st.booleans(),
    is_known=st.booleans(),
)
sponsored = st.builds(
    Candidate, article_id=st.integers(1, 200), section=SECTIONS, is_pinned=st.booleans(),
    is_sponsored=st.booleans(),
)  # fmt: skip
candidate_lists = st.lists(articles, max_size=80, unique_by=lambda candidate: candidate.article_id)
topic_choices = st.none() | st.frozensets(TOPICS, min_size=1)
plain = st.builds(Limits, minimum=st.integers(0, 4), maximum=st.integers(1, 12))
shares = st.builds(
    Limits,
    minimum=st.integers(0, 4),
    maximum=st.integers(1, 12),
    per_topic=st.none() | st.integers(1, 3),
    per_feed=st.dictionaries(FEEDS, st.integers(0, 2)),
)


def owed(candidates: list[Candidate], topics: frozenset[int] | None, received: int) -> list[Candidate]:
    return [
        candidate
        for n, candidate in enumerate(candidates)
        if not received >> n & 1 and (topics is None or not candidate.topics or candidate.topics & topics)
    ]


def said(result: Selection) -> list[int]:
    return [*result.stories, *result.headlines]


@given(candidates=candidate_lists, topics=topic_choices, received=st.integers(0, 2**90), limits=plain)
def test_selection_is_everything_owed_in_order_and_nothing_else(
    candidates: list[Candidate], topics: frozenset[int] | None, received: int, limits: Limits
) -> None:
    known = {candidate.article_id for candidate in candidates if candidate.is_known}
    expected = [candidate.article_id for candidate in owed(candidates, topics, received)]

    result = select(candidates, limits, topics=topics, received=received)

    if isinstance(result, TooFew):
        assert result.count == len(expected) < max(limits.minimum, 1)
    else:
        assert sorted(said(result)) == sorted(expected[: limits.maximum + MAX_HEADLINES])
        assert len(result.stories) == min(limits.maximum, len(expected))
        # only a fresh story may overtake, and only alerts
        assert [pk for pk in said(result) if pk not in known] == [
            pk for pk in expected[: limits.maximum + MAX_HEADLINES] if pk not in known
        ]


@given(candidates=candidate_lists, limits=shares)
def test_no_topic_and_no_feed_has_more_than_its_share_of_the_stories(
    candidates: list[Candidate], limits: Limits
) -> None:
    by_pk = {candidate.article_id: candidate for candidate in candidates}

    result = select(candidates, limits, topics=None)

    if isinstance(result, TooFew):
        return
    told = [by_pk[pk] for pk in result.stories]
    counted = [story for story in told if not story.is_pinned]
    sections = Counter(story.section for story in counted if story.section)
    feeds = Counter(feed for story in counted for feed in story.feeds if feed in limits.per_feed)
    assert limits.per_topic is None or all(count <= limits.per_topic for count in sections.values())
    assert len(told) == 1 or all(count <= limits.per_feed[feed] for feed, count in feeds.items())
    assert len(said(result)) == len(set(said(result))) >= min(len(candidates), 1)


def test_article_without_topics_is_for_everybody() -> None:
    assert select([Candidate(1)], Limits(), topics=frozenset({9})) == Selection(stories=(1,))


def test_reader_who_has_had_everything_is_owed_nothing() -> None:
    assert select([Candidate(1), Candidate(2)], Limits(), topics=None, received=0b11) == TooFew(0)


def test_what_exceeds_a_topics_share_becomes_a_headline() -> None:
    candidates = [Candidate(pk, frozenset({7}), section="Sport") for pk in (1, 2, 3)] + [Candidate(4)]

    result = select(candidates, Limits(per_topic=2), topics=None)

    assert result == Selection(stories=(1, 2, 4), headlines=(3,))


def test_editors_pin_outranks_a_share() -> None:
    candidates = [Candidate(1, feeds=frozenset({3}), is_pinned=True), Candidate(2, feeds=frozenset({3})), Candidate(3)]

    assert select(candidates, Limits(per_feed={3: 0}), topics=None) == Selection(stories=(1, 3), headlines=(2,))


def test_alert_of_yesterday_does_not_lead() -> None:
    alert, fresh = Candidate(1, is_known=True), Candidate(2)

    assert select([alert, fresh], Limits(), topics=None) == Selection(stories=(2, 1))
    assert select([alert], Limits(), topics=None) == Selection(stories=(1,))


def test_no_advertisement_leads_in_place_of_what_was_an_alert() -> None:
    alert, ad, fresh = Candidate(1, is_known=True), Candidate(2, is_sponsored=True), Candidate(3)

    assert select([alert, ad, fresh], Limits(), topics=None).stories[0] == 3  # type: ignore[union-attr]
    assert select([alert, ad], Limits(), topics=None).stories[0] == 1  # type: ignore[union-attr]


def test_pinned_alert_leads_all_the_same() -> None:
    assert select([Candidate(1, is_known=True, is_pinned=True), Candidate(2)], Limits(), topics=None) == Selection(
        stories=(1, 2)
    )


def test_equal_selections_share_a_key_and_different_places_do_not() -> None:
    one, same = Selection((1, 2), (3,)), Selection((1, 2), (3,))
    moved = Selection((1, 2, 3))

    assert one.content_key == same.content_key != moved.content_key


@given(
    candidates=st.lists(sponsored, max_size=30, unique_by=lambda candidate: candidate.article_id),
    limits=shares,
    headlines=st.integers(0, 3),
)
def test_advertisements_are_never_told_alone(candidates: list[Candidate], limits: Limits, headlines: int) -> None:
    news = {candidate.article_id for candidate in candidates if not candidate.is_sponsored}

    result = select(candidates, replace(limits, headlines=headlines), topics=None)

    if isinstance(result, Selection):
        assert news.intersection(result.stories)
        assert len(result.stories) <= limits.maximum
        assert len(set(said(result))) == len(said(result))
    elif not news:
        assert result == TooFew(0)


def test_silent_readers_three_stories_have_news_among_advertisements() -> None:
    offering = Offering([Candidate(pk, is_sponsored=pk < 5, is_pinned=True) for pk in range(1, 7)], Limits())
    part = offering.part(0b111111)

    short = shortened(part, news=offering.news)

    assert isinstance(short, Selection)
    assert short.stories == (1, 2, 5)
