"""Sealed bytes open for their reader and purpose, and for nothing else."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.contracts.errors import AlgorithmRefused, DecryptionFailed, DocumentMalformed
from monocoque.trust.keys import SeededKeyMaker
from monocoque.trust.sealing import SeededEncrypter, SystemEncrypter, open_sealed

_MAKER = SeededKeyMaker(random.Random(11).randbytes)
READER = _MAKER.make("ES256")
OTHER = _MAKER.make("ES256")
SIGNING_ONLY = _MAKER.make("EdDSA")


def seeded(seed=1):
    return SeededEncrypter(random.Random(seed).randbytes)


BOTH = pytest.mark.parametrize("encrypter", [SystemEncrypter(), seeded()], ids=["system", "seeded"])


@BOTH
@given(plaintext=st.binary(max_size=300), purpose=st.binary(max_size=50))
def test_the_reader_opens_what_was_sealed(encrypter, plaintext, purpose):
    sealed = encrypter.seal(READER.public_jwk, plaintext, purpose)
    assert open_sealed(READER, sealed, purpose) == plaintext
    assert len(sealed) == 65 + len(plaintext) + 16


@BOTH
def test_nobody_else_and_no_other_purpose_opens_it(encrypter):
    sealed = encrypter.seal(READER.public_jwk, b"secret", b"one")
    with pytest.raises(DecryptionFailed):
        open_sealed(OTHER, sealed, b"one")
    with pytest.raises(DecryptionFailed):
        open_sealed(READER, sealed, b"two")


@BOTH
def test_altered_or_cut_bytes_do_not_open(encrypter):
    sealed = encrypter.seal(READER.public_jwk, b"secret", b"one")
    for place in range(len(sealed)):
        altered = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        for wrong in (altered, sealed[:place]):
            with pytest.raises(DecryptionFailed):
                open_sealed(READER, wrong, b"one")


@BOTH
def test_the_same_bytes_are_never_sealed_alike_twice(encrypter):
    first, second = (encrypter.seal(READER.public_jwk, b"secret", b"one") for _ in range(2))
    assert first != second


def test_one_seed_seals_alike():
    first, second = (seeded(5).seal(READER.public_jwk, b"secret", b"one") for _ in range(2))
    assert first == second


@BOTH
def test_a_key_that_only_signs_takes_no_part(encrypter):
    with pytest.raises(AlgorithmRefused):
        encrypter.seal(SIGNING_ONLY.public_jwk, b"secret", b"one")
    with pytest.raises(AlgorithmRefused):
        open_sealed(SIGNING_ONLY, b"", b"one")
    with pytest.raises(DocumentMalformed):
        encrypter.seal({"kty": "EC"}, b"secret", b"one")
