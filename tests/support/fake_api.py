#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fake_api: an API server of objects in memory, for faults that a real one does not produce on demand.

Lists in pages, watches with bookmarks, 410 for what is older than its short history. Creates, replaces, merges (also of
/status) and deletes, with 409 for an old resourceVersion. Beside the API:
  PUT  /control/objects   a JSON list of objects: added, or changed
  POST /control/delete    {"resource": "services", "namespace": "default", "name": "echo"}: of all groups
  PUT  /control/fault     {"kind": ..., "path": "..."} one of the FAULTS below, for paths that contain `path`
  GET  /control/log       the paths that were asked for, with the time since the first
Prints its port and serves until it is killed; on loopback, or with --listen ADDRESS there.
"""
import collections
import http.server
import json
import socketserver
import sys
import threading
import time
import urllib.parse

HISTORY = 200
BOOKMARK_SECONDS = 0.5
IRREGULAR = {"BackendTLSPolicy": "backendtlspolicies", "ServiceEntry": "serviceentries",
             "WorkloadEntry": "workloadentries", "GatewayClass": "gatewayclasses"}


def plural_of(kind):
    return IRREGULAR.get(kind, kind.lower() + "s")


def group_of(api_version):
    return api_version.rpartition("/")[0]


def merged(target, patch):
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    out = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merged(out.get(key), value)
    return out


# none; away: connections are closed without a word; gone: every watch gets 410; half: an answer is cut short;
# garbage: an answer is no JSON; forbidden, unauthorized, busy, missing: 403, 401, 429, 404; slow: 2 s an answer;
# silent: watches say nothing.
FAULTS = ("none", "away", "gone", "half", "garbage", "forbidden", "unauthorized", "busy", "missing", "slow", "silent")
STATUS = {"forbidden": 403, "unauthorized": 401, "busy": 429, "missing": 404}


class World:
    def __init__(self):
        self.changed = threading.Condition()
        self.version = 100
        self.objects = {}  # (resource, namespace, name) -> object; a resource is "group/plural"
        self.history = collections.deque(maxlen=HISTORY)  # (version, resource, event)
        self.fault, self.fault_path = "none", ""
        self.fault_number = 0
        self.log = []
        self.began = time.monotonic()

    def put(self, thing):
        with self.changed:
            self.version += 1
            resource = f"{group_of(thing['apiVersion'])}/{plural_of(thing['kind'])}"
            metadata = thing.setdefault("metadata", {})
            key = (resource, metadata.get("namespace", ""), metadata["name"])
            before = self.objects.get(key)
            metadata["resourceVersion"] = str(self.version)
            metadata.setdefault("managedFields", [{"manager": "test"}])
            generation = before["metadata"].get("generation", 1) if before else 1
            if before and before.get("spec") != thing.get("spec"):
                generation += 1
            metadata["generation"] = generation
            self.objects[key] = thing
            event = {"type": "MODIFIED" if before else "ADDED", "object": thing}
            self.history.append((self.version, resource, event))
            self.changed.notify_all()
            return thing

    def delete(self, plural, namespace, name):
        with self.changed:
            for key in [key for key in self.objects if key == (key[0].split("/")[0] + "/" + plural, namespace, name)]:
                self.version += 1
                thing = self.objects.pop(key)
                thing = dict(thing, metadata=dict(thing["metadata"], resourceVersion=str(self.version)))
                self.history.append((self.version, key[0], {"type": "DELETED", "object": thing}))
            self.changed.notify_all()

    def set_fault(self, kind, path):
        assert kind in FAULTS, kind
        with self.changed:
            self.fault, self.fault_path = kind, path
            self.fault_number += 1
            self.changed.notify_all()

    def fault_of(self, path):
        with self.changed:
            return self.fault if self.fault_path in path else "none"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world = World()

    def log_message(self, *_):
        pass

    def body(self):
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"null")

    def reply(self, status, thing, **headers):
        data = json.dumps(thing).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def do_PUT(self):
        if self.path == "/control/objects":
            for thing in self.body():
                self.world.put(thing)
        elif self.path == "/control/fault":
            fault = self.body()
            self.world.set_fault(fault["kind"], fault.get("path", ""))
        else:
            self.write(self.body(), merge=False)
            return
        self.reply(200, {})

    def do_POST(self):
        what = self.body()
        if self.path != "/control/delete":
            self.write(what, merge=False)
            return
        self.world.delete(what["resource"], what["namespace"], what["name"])
        self.reply(200, {})

    def do_PATCH(self):
        self.write(self.body(), merge=True)

    def do_DELETE(self):
        if not self.faulty():
            resource, namespace, name, _ = self.place()
            self.world.delete(resource.split("/")[1], namespace, name)
            self.reply(200, {})

    def place(self):
        """Of the path: resource, namespace, name, whether it is the status."""
        parts = urllib.parse.urlsplit(self.path).path.strip("/").split("/")
        group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1], parts[3:])
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        name = rest[1] if len(rest) > 1 else ""
        return f"{group}/{rest[0]}", namespace, name, rest[2:] == ["status"]

    def refuse(self, status, message):
        self.reply(status, {"kind": "Status", "message": message})

    def write(self, thing, merge):
        if self.faulty():
            return
        resource, namespace, name, status = self.place()
        with self.world.changed:
            old = self.world.objects.get((resource, namespace, name or thing["metadata"]["name"]))
            if (old is None) != (not name):
                self.refuse(404 if name else 409, "no such object" if name else "it exists")
                return
            version = thing.get("metadata", {}).get("resourceVersion")
            if old and version and version != old["metadata"]["resourceVersion"]:
                self.refuse(409, "the object has been modified")
                return
            if status:
                thing = dict(old, status=merged(old.get("status"), thing["status"]))
            elif merge:
                thing = merged(old, thing)
            thing = json.loads(json.dumps(thing))
            self.reply(200 if name else 201, self.world.put(thing))

    def faulty(self):
        """Notes the request; true when a fault has answered it."""
        method = "" if self.command == "GET" else self.command + " "
        self.world.log.append([round(time.monotonic() - self.world.began, 3), method + self.path])
        fault = self.world.fault_of(self.path)
        if fault == "away":
            self.close_connection = True
            return True
        if fault == "slow":
            time.sleep(2)
        if fault in STATUS:
            self.reply(STATUS[fault], {"kind": "Status", "message": f"{fault} by the test"},
                       **({"Retry_After": "1"} if fault == "busy" else {}))
            return True
        return False

    def do_GET(self):
        if self.path == "/control/log":
            self.reply(200, self.world.log)
            return
        if self.faulty():
            return
        fault = self.world.fault_of(self.path)
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        plural, namespace, name, _ = self.place()
        if name:
            with self.world.changed:
                thing = self.world.objects.get((plural, namespace, name))
            if thing is None:
                self.refuse(404, "no such object")
            else:
                self.reply(200, thing)
            return
        if query.get("watch") == "true":
            self.watch(plural, int(query["resourceVersion"]), float(query.get("timeoutSeconds", 60)), fault)
        else:
            self.list(plural, int(query.get("limit", 500)), query.get("continue", ""), fault)

    def list(self, plural, limit, after, fault):
        with self.world.changed:
            version = self.world.version
            names = sorted(key for key in self.world.objects if key[0] == plural)
            start = int(after) if after else 0
            items = [self.world.objects[key] for key in names[start:start + limit]]
            rest = start + limit < len(names)
        metadata = {"resourceVersion": str(version)}
        if rest:
            metadata["continue"] = str(start + limit)
        # Items of a list do not say what they are.
        items = [{key: value for key, value in item.items() if key not in ("kind", "apiVersion")} for item in items]
        answer = {"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items}
        if fault == "garbage":
            answer = ["what", "is", "this"]
        if fault == "half":
            data = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[:len(data) // 2])
            self.close_connection = True
            return
        self.reply(200, answer)

    def chunk(self, text):
        data = text.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def watch(self, plural, version, seconds, fault):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        world = self.world
        if fault == "gone":
            self.chunk(json.dumps({"type": "ERROR", "object": {"code": 410, "message": "gone"}}) + "\n")
            self.chunk("")
            return
        if fault == "garbage":
            self.chunk("<html>\n")
            self.chunk("")
            return
        number, end = world.fault_number, time.monotonic() + seconds
        bookmark = time.monotonic() + BOOKMARK_SECONDS
        while time.monotonic() < end:
            with world.changed:
                if world.fault_number != number and world.fault in ("away", "gone", "half", "garbage"):
                    break
                oldest = world.history[0][0] if world.history else world.version
                expired = version + 1 < oldest and len(world.history) == HISTORY
                fresh = [(at, event) for at, what, event in world.history if what == plural and at > version]
                now = world.version
                if not fresh and not expired:
                    world.changed.wait(0.1)
            if fault == "silent":
                continue
            if expired:
                self.chunk(json.dumps({"type": "ERROR", "object": {"code": 410, "message": "too old"}}) + "\n")
                break
            for at, event in fresh:
                self.chunk(json.dumps(event) + "\n")
                version = at
            if not fresh and time.monotonic() > bookmark:
                bookmark = time.monotonic() + BOOKMARK_SECONDS
                version = max(version, now)
                self.chunk(json.dumps({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(version)}}})
                           + "\n")
        self.close_connection = world.fault in ("half", "away")
        if world.fault == "half":
            self.wfile.write(b"40\r\n{\"type\":\"ADD")  # cut within an event
        elif world.fault == "garbage":
            self.chunk("<html>\n")
            self.chunk("")
        elif world.fault != "away":
            self.chunk("")


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    def handle_error(self, *_):
        """Clients that go away in the middle are what the tests are about."""

    daemon_threads = True
    request_queue_size = 64


def main():
    host = sys.argv[2] if sys.argv[1:2] == ["--listen"] else "127.0.0.1"
    server = Server((host, 0), Handler)
    print(server.server_address[1], flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
