"""Prints a signed token. Makes a key pair in keys/ first when there is none. Uses the packages installed for the authorizer."""

import argparse
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "authorizer"))

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

KEYS = HERE / "keys"
PRIVATE_KEY, PUBLIC_KEY = KEYS / "private.pem", KEYS / "public.pem"


def make_keys():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    KEYS.mkdir(mode=0o700, exist_ok=True)
    PRIVATE_KEY.touch(mode=0o600)
    PRIVATE_KEY.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    PUBLIC_KEY.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subject", default="alice")
    parser.add_argument("--scope", default="read")
    parser.add_argument("--seconds", type=int, default=3600, help="how long it is valid; below zero it has expired already")
    parser.add_argument("--issuer", default="https://issuer.example")
    parser.add_argument("--audience", default="jwt-example")
    asked = parser.parse_args()
    if not PRIVATE_KEY.exists():
        make_keys()
    now = int(time.time())
    claims = {
        "sub": asked.subject,
        "scope": asked.scope,
        "iss": asked.issuer,
        "aud": asked.audience,
        "iat": now,
        "exp": now + asked.seconds,
    }
    print(jwt.encode(claims, PRIVATE_KEY.read_bytes(), algorithm="RS256"))


main()
