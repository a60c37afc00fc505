# SPDX-License-Identifier: Apache-2.0
"""Our published key set, seen as Okta sees it, and whether it holds the very key that signs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_okta_ure.clients.answers import clean_text
from airflow_provider_okta_ure.clients.public_keys import find_key, is_same_key, keys_of, private_members
from airflow_provider_okta_ure.errors import ConfigurationError, JwksError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.documents import DocumentReader
    from airflow_provider_okta_ure.clients.keys import SigningKey
    from airflow_provider_okta_ure.clients.public_keys import PublicJwk


class SsfConfiguration(NamedTuple):
    """What a transmitter says about itself at its well-known URL, as far as Okta reads it."""

    issuer: str
    jwks_uri: str


class PublishedKeys(NamedTuple):
    """
    A key set as it was read.

    :param url: where, without a query.
    """

    url: str
    keys: list[PublicJwk]

    def check(self, key: SigningKey) -> None:
        """
        Make sure that Okta can verify what a key signs.

        :raises JwksError: the key is not there (``key_missing``), another one has its ``kid``, or it is
            marked for something else (both ``key_differs``).
        """
        ours = key.public_jwk()
        found = find_key(self.keys, key.key_id)
        if found is None:
            raise self._missing(ours)
        if any(one.get("kid") == key.key_id and not is_same_key(one, ours) for one in self.keys):
            raise JwksError(
                f"The key {key.key_id!r} published at {self.url} is not the one that signs: "
                "same kid, another modulus.",
                url=self.url,
                reason="key_differs",
                remedy="Put the private key of the published one into the connection, or publish what "
                "`airflow okta-ure keys jwks --okta-conn-id` prints.",
            )
        for member, wanted in (("kty", "RSA"), ("use", "sig"), ("alg", ours["alg"])):
            if found.get(member, wanted) != wanted:
                raise JwksError(
                    f"The key {key.key_id!r} published at {self.url} is marked "
                    f"{member}={clean_text(found[member]) or '(no text)'}, not {wanted}.",
                    url=self.url,
                    reason="key_differs",
                    remedy="Publish what `airflow okta-ure keys jwks --okta-conn-id` prints.",
                )

    def _missing(self, ours: PublicJwk) -> JwksError:
        kids = [clean_text(key.get("kid")) for key in self.keys]
        under = next((kid for kid, key in zip(kids, self.keys, strict=True) if is_same_key(key, ours)), None)
        remedy = (
            "Publish what `airflow okta-ure keys jwks --okta-conn-id` prints, and wait until caches on the "
            "way have forgotten the old key set."
        )
        if under == "":
            remedy = (
                f"The same key is there without a kid, by which Okta finds a key: publish it with "
                f"kid {ours['kid']!r}, as `airflow okta-ure keys jwks --okta-conn-id` prints it."
            )
        elif under is not None:
            remedy = f"The same key is there as {under!r}: set `signing_key_id` in the connection to that."
        return JwksError(
            f"The key that signs, kid {ours['kid']!r}, is not among those published at {self.url}: "
            f"{', '.join(kid or '(no kid)' for kid in kids[:10]) or 'none'}.",
            url=self.url,
            reason="key_missing",
            remedy=remedy,
        )


def fetch_jwks(reader: DocumentReader, url: str) -> PublishedKeys:
    """
    Return the key set at a JWKS URL.

    :raises JwksError: it cannot be read, is none, or shows a private key to the world.
    """
    document = reader.read(url)
    shown = shown_url(url)
    try:
        keys = keys_of(document)
    except ValueError as error:
        raise JwksError(
            f"What {shown} answers {error}, so it is no JWKS.",
            url=shown,
            reason="malformed",
            remedy="Publish what `airflow okta-ure keys jwks` prints.",
        ) from None
    private = private_members(keys)
    if private:
        raise JwksError(
            f"{shown} shows a private key to everybody ({', '.join(private)}).",
            url=shown,
            reason="private_key_published",
            remedy="Take it down now and make a new key: whoever has read it can sign in your name.",
        )
    return PublishedKeys(shown, keys)


def fetch_configuration(reader: DocumentReader, url: str) -> SsfConfiguration:
    """
    Return issuer and JWKS URL from the document at a well-known URL.

    :raises JwksError: it cannot be read, or lacks one of them.
    """
    document = reader.read(url)
    shown = shown_url(url)
    issuer, jwks_uri = document.get("issuer"), document.get("jwks_uri")
    if not isinstance(issuer, str) or not issuer or not isinstance(jwks_uri, str) or not jwks_uri:
        raise JwksError(
            f"The document at {shown} lacks issuer or jwks_uri, which Okta reads there.",
            url=shown,
            reason="malformed",
            remedy='Publish {"issuer": "...", "jwks_uri": "..."}; docs/keys.md shows how.',
        )
    return SsfConfiguration(issuer, jwks_uri)


def check_published_key(
    reader: DocumentReader,
    key: SigningKey,
    *,
    issuer: str,
    jwks_url: str | None = None,
    well_known_url: str | None = None,
) -> PublishedKeys:
    """
    Make sure that Okta can verify what we sign; return where it finds the key.

    :param key: the key that signs.
    :param issuer: the ``iss`` of what it signs.
    :param jwks_url: where the key set is; used when there is no ``well_known_url``.
    :param well_known_url: where the document is that names the issuer and the key set.
    :raises JwksError: Okta cannot; says why.
    :raises ConfigurationError: there is neither a JWKS URL nor a well-known URL.
    """
    if well_known_url:
        configuration = fetch_configuration(reader, well_known_url)
        if configuration.issuer != issuer:
            shown = shown_url(well_known_url)
            raise JwksError(
                f"The document at {shown} names the issuer {clean_text(configuration.issuer)!r}, "
                f"and the connection {issuer!r}.",
                url=shown,
                reason="issuer_differs",
                remedy="Both have to be equal, letter by letter.",
            )
        jwks_url = configuration.jwks_uri
    if not jwks_url:
        raise ConfigurationError(
            "Whether the key that signs is published cannot be checked: there is no address to look at.",
            remedy="Set `jwks_url` or `well_known_url` in the Okta connection, or check_jwks=False.",
        )
    published = fetch_jwks(reader, jwks_url)
    published.check(key)
    return published


def shown_url(url: str) -> str:
    """Return a URL for messages: without query and fragment, which can hold a password."""
    return url.strip().partition("#")[0].partition("?")[0]
