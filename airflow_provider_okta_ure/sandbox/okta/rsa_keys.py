"""RSA keys that follow from a seed, so that a restarted sandbox keeps its credentials."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPrivateNumbers,
    RSAPublicNumbers,
    rsa_crt_dmp1,
    rsa_crt_dmq1,
    rsa_crt_iqmp,
)

_EXPONENT = 65537
_PRIME_BITS = 1024
_SMALL_PRIMES = tuple(
    number for number in range(3, 2000, 2) if all(number % divisor for divisor in range(3, 45, 2))
) + tuple(number for number in range(3, 45, 2) if all(number % divisor for divisor in range(3, number, 2)))


@lru_cache(maxsize=16)
def rsa_key(seed: int, name: str) -> RSAPrivateKey:
    """
    Return a private key of 2048 bits: always the same for a seed and a name.

    It takes a few tenths of a second the first time, so nobody should ask before the key is needed.
    """
    p, q = _prime(f"{seed}|{name}|p"), _prime(f"{seed}|{name}|q")
    d = pow(_EXPONENT, -1, (p - 1) * (q - 1))
    public = RSAPublicNumbers(_EXPONENT, p * q)
    numbers = RSAPrivateNumbers(p, q, d, rsa_crt_dmp1(d, p), rsa_crt_dmq1(d, q), rsa_crt_iqmp(p, q), public)
    return numbers.private_key()


def _prime(text: str) -> int:
    start = int.from_bytes(hashlib.shake_256(text.encode()).digest(_PRIME_BITS // 8), "big")
    # The two highest bits make the product of two such primes exactly 2048 bits long.
    number = start | (3 << (_PRIME_BITS - 2)) | 1
    while not _is_prime(number):
        number += 2
    return number


def _is_prime(number: int) -> bool:
    """Say whether a large odd number is prime; for numbers not chosen by an attacker one test is enough."""
    if not all(number % prime for prime in _SMALL_PRIMES) or number % _EXPONENT == 1:
        return False
    return pow(2, number - 1, number) == 1
