"""What is shown of a database's address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.plumbing.records.address import masked


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("", "", id="none"),
        pytest.param("postgresql://host/cell", "postgresql://host/cell", id="nothing-to-hide"),
        pytest.param("postgresql://me@host/cell", "postgresql://me@host/cell", id="user"),
        pytest.param("postgresql://me:pass@host/cell", "postgresql://me:***@host/cell", id="pass"),
        pytest.param(
            "postgresql+psycopg://me:pass@host/cell",
            "postgresql+psycopg://me:***@host/cell",
            id="driver",
        ),
        pytest.param("postgresql://:pass@host/cell", "postgresql://:***@host/cell", id="no-user"),
        pytest.param("postgresql://me:p@s/s:?@host:1/cell", "postgresql://me:***@host:1/cell"),
        pytest.param(
            "postgresql:///cell?host=/run&password=pass&port=1",
            "postgresql:///cell?host=/run&password=***&port=1",
            id="option",
        ),
        pytest.param(
            "postgresql:///cell?hostpassword=pass&sslpassword=pass",
            "postgresql:///cell?hostpassword=***&sslpassword=***",
            id="options-that-begin-alike",
        ),
    ],
)
def test_what_may_be_secret_is_hidden(url: str, shown: str) -> None:
    assert masked(url) == shown


@given(
    st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=8).map(lambda t: f"Q{t}Q"),
    st.sampled_from(
        ["postgresql://me:{}@host/cell", "postgresql://:{}@/cell?host=/run", "postgres://a:{}@b"]
    ),
)
def test_no_password_is_shown_whatever_is_in_it(password: str, form: str) -> None:
    assert password not in masked(form.format(password))
