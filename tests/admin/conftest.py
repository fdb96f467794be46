from __future__ import annotations

import pytest
from django.test import Client

from tests import factories


@pytest.fixture
def desk(db: None, client: Client) -> Client:
    """A browser in which an editor is signed in."""
    client.force_login(factories.make_editor())
    return client
