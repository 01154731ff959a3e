#!/usr/bin/env python3
"""Arbitrary requests, made by schemathesis from the served OpenAPI document without randomness: no 5xx, no answer but those described.

usage: api_schemathesis_test.py --parleyd PATH --work FOLDER
"""
import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
from support import Server, prepare  # noqa: E402

LAST = ("removeDevice", "signOut")
EXAMPLES = "6"  # random ones of an operation, besides those of the coverage phase
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance"


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--parleyd", required=True)
    arguments.add_argument("--work", required=True, type=pathlib.Path)
    options = arguments.parse_args()
    python = prepare(options.work, "schemathesis", pins=[HERE / "requirements.txt"])
    for limit in ("REQUESTS", "SENDS", "UNAUTHENTICATED"):
        os.environ[f"PARLEY_LIMITS_{limit}_PER_SECOND"] = "10000"
    with tempfile.TemporaryDirectory(prefix="parley-docs-") as folder:
        server = Server(options.parleyd, pathlib.Path(folder) / "data")
        base = f"http://127.0.0.1:{server.port}"

        def post(path, body, token=""):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            return urllib.request.urlopen(urllib.request.Request(base + path, json.dumps(body).encode(), headers), timeout=600)

        def sign_up(name):
            with post("/v1/signup", {"name": name, "password": "a long enough one"}) as answer:
                return json.load(answer)

        def attack(person, *which):
            command = [python.parent / "schemathesis", "run", f"{base}/v1/openapi.json",
                       "--header", f"Authorization: Bearer {person['access_token']}",
                       "--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--generation-deterministic",
                       "--max-examples", EXAMPLES, "--no-shrink", "--suppress-health-check", "all",
                       "--request-timeout", "30", "--no-color", *which]
            return subprocess.run(command, cwd=folder, timeout=540).returncode

        over, keeper = threading.Event(), None

        def ping(session, token):
            with post(f"/v1/stream/{session}/frames", {"ping": {}}, token):
                pass

        def keep_alive(session, token):
            while not over.wait(20):  # after 60 s of silence a stream is closed
                with contextlib.suppress(urllib.error.HTTPError):  # busy with the attack
                    ping(session, token)

        try:
            mallory, trudy = sign_up("mallory"), sign_up("trudy")
            # Frames go to a stream that is there. It is read all the time, to its end.
            stream = post("/v1/stream", {"hello": {}}, mallory["access_token"])
            session = json.loads(stream.readline().removeprefix(b"data: "))["welcome"]["session_id"]
            reader = threading.Thread(target=stream.read)
            reader.start()
            keeper = threading.Thread(target=keep_alive, args=(session, mallory["access_token"]))
            keeper.start()
            settings = pathlib.Path(folder, "schemathesis.toml")
            settings.write_text('[[operations]]\ninclude-operation-id = "sendFrames"\n'
                                f'parameters = {{"path.session_id" = "{session}"}}\n')
            # openStream is left out: its answer has no end. What ends the attack's own token comes last, each as somebody else.
            results = [attack(mallory, *(f"--exclude-operation-id={name}" for name in ("openStream", *LAST)))]
            # Few ids made up are somebody's. Once more with those that are.
            with post("/v1/groups", {"title": "Sailing", "members": [trudy["user_id"]]}, mallory["access_token"]) as answer:
                group = json.load(answer)["group_id"]
            settings.write_text(f'[parameters]\n"path.group_id" = "{group}"\n"path.conversation_id" = "g:{group}"\n'
                                f'"path.user_id" = "{trudy["user_id"]}"\n')
            results += [attack(mallory, "--include-path-regex", "(group|conversation|user)_id",
                               "--exclude-operation-id=dissolveGroup", "--exclude-operation-id=leaveGroup")]
            ping(session, mallory["access_token"])  # an attack that was signed out in between has attacked nothing
            results += [attack(sign_up(f"last_{i}"), f"--include-operation-id={name}") for i, name in enumerate(LAST)]
        finally:
            over.set()
            if keeper:
                keeper.join()
            code = server.stop()
        reader.join()
        assert code == 0, f"parleyd exited with {code} after SIGTERM"
        assert not any(results), "schemathesis found the above"


main()
