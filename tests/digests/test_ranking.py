"""The order of an issue that no editor has touched."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from newsletter.digests.ranking import Story, rank

stories = st.lists(
    st.builds(
        Story,
        article_id=st.integers(1, 500),
        age_hours=st.floats(-5, 400),
        popularity=st.floats(0, 1e6),
        section=st.none() | st.integers(1, 5),
    ),
    max_size=60,
    unique_by=lambda story: story.article_id,
)


@given(stories=stories)
def test_nothing_is_lost_and_nothing_told_twice(stories: list[Story]) -> None:
    assert sorted(rank(stories)) == sorted(story.article_id for story in stories)


@given(stories=stories, seed=st.randoms())
def test_order_does_not_depend_on_where_the_articles_came_from(stories: list[Story], seed: object) -> None:
    shuffled = list(stories)
    seed.shuffle(shuffled)  # type: ignore[attr-defined]

    assert rank(shuffled) == rank(stories)


def test_fresh_story_comes_before_an_old_one() -> None:
    assert rank([Story(1, age_hours=30), Story(2, age_hours=1)]) == [2, 1]


def test_story_that_everybody_reads_outlives_its_first_day() -> None:
    assert rank([Story(1, age_hours=30, popularity=1_000), Story(2, age_hours=10)]) == [1, 2]


def test_topics_are_mixed() -> None:
    sports = [Story(pk, age_hours=1 + pk / 10, section=7) for pk in (1, 2, 3)]
    culture = Story(4, age_hours=6, section=8)

    assert rank([*sports, culture]) == [1, 4, 2, 3]


def test_stories_without_a_topic_are_not_alike() -> None:
    untold = [Story(pk, age_hours=pk) for pk in (1, 2)]

    assert rank([*untold, Story(3, age_hours=5, section=7)]) == [1, 2, 3]
