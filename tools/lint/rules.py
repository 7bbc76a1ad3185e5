# SPDX-License-Identifier: Apache-2.0
"""The rules of docs/architecture.md and docs/style.md as data. check_sources.py holds the tree against them."""

# Folder -> folders it may include from. A folder may always include from itself.
# The same table is in docs/architecture.md; change both, with the reason, in one commit.
MAY_INCLUDE = {
    "bpf/abi": [],
    "bpf/lib": ["bpf/abi"],
    "bpf": ["bpf/abi", "bpf/lib"],
    "agent/base": [],
    "agent/net": ["agent/base"],
    "agent/model": ["agent/base"],
    "agent/http": ["agent/base"],
    "agent/config": ["agent/base", "agent/model"],
    "agent/routing": ["agent/base", "agent/model", "agent/http"],
    "agent/balance": ["agent/base", "agent/model", "agent/http"],
    "agent/snapshot": ["agent/base", "agent/model", "agent/routing", "agent/balance", "agent/net"],
    "agent/datapath": ["agent/base", "agent/net", "agent/snapshot", "bpf/abi"],
    "agent/steer": ["agent/base", "agent/net", "agent/model", "agent/datapath", "agent/proxy", "bpf/abi"],
    "agent/proxy": ["agent/base", "agent/net", "agent/http", "agent/model", "agent/routing", "agent/balance",
                    "agent/snapshot", "agent/health"],
    "agent/health": ["agent/base", "agent/net", "agent/http", "agent/model", "agent/balance"],
    "agent/telemetry": ["agent/base", "bpf/abi"],
    "agent/control": ["agent/base"],
    "agent/cluster": ["agent/base", "agent/net", "agent/config"],
    "agent/app": ["agent/base", "agent/net", "agent/model", "agent/http", "agent/config", "agent/cluster",
                  "agent/routing",
                  "agent/balance", "agent/snapshot", "agent/datapath", "agent/steer", "agent/proxy",
                  "agent/health", "agent/telemetry", "agent/control", "bpf/abi"],
    "agent": ["agent/app", "agent/base"],  # main.cpp
    "cli": ["agent/base", "agent/control"],
}

# Of these folders only the named headers (regular expressions): an interface, not an implementation.
ONLY_HEADERS = {
    ("agent/snapshot", "agent/net"): [r"agent/net/tls_context\.hpp"],
    ("agent/datapath", "agent/net"): [r"agent/net/netlink\.hpp"],
    ("agent/steer", "agent/proxy"): [r"agent/proxy/(steering|worker_report)\.hpp"],
    ("cli", "agent/control"): [r"agent/control/\w+(\.grpc)?\.pb\.h"],  # generated
}

# Third-party header prefix -> the folders that wrap the library; everyone else goes through them.
# The bpf side of libbpf (<bpf/bpf_helpers.h>) is for the programs in bpf/.
THIRD_PARTY = {
    "CLI/": ["agent/app", "cli"],
    "bpf/": ["agent/datapath", "bpf"],
    "curl/": ["agent/config/source"],
    "fmt/": ["agent", "cli"],
    "google/protobuf/": ["agent/control", "cli"],
    "grpc/": ["agent/control", "cli/client"],
    "grpcpp/": ["agent/control", "cli/client"],
    "llhttp.h": ["agent/http"],
    "nghttp2/": ["agent/http"],
    "nlohmann/": ["agent/config/manifest", "agent/cluster", "cli/render"],
    "openssl/": ["agent/net"],
    "prometheus/": ["agent/telemetry"],
    "re2/": ["agent/routing"],
    "spdlog/": ["agent/base"],
    "tl/": ["agent/base"],
    "xxhash.h": ["agent/balance"],
    "yaml-cpp/": ["agent/config/manifest"],
}

# Directories of the C library and the kernel, for everyone.
SYSTEM = ["arpa/", "asm/", "linux/", "net/", "netinet/", "sys/"]
# Generated skeletons of bpf/ objects.
GENERATED = [(r"lb_\w+\.skel\.h", ["agent/datapath"])]

MACHINE_PATH = "a path of one machine: take it from an option or find it at run time"
# Words are written in two parts, so that this file does not contain them.
FORBIDDEN = [
    (r"\b(TO" r"DO|FIX" r"ME|HA" r"CK|X" r"XX)\b", "unfinished work: finish it, or file an issue"),
    (r"(?<![\w.$}/-])/(wo" r"rk|ro" r"ot)/[\w.-]", MACHINE_PATH),
    (r"/ho" r"me/\w+/", MACHINE_PATH),
    (r"\b(py" r"pi\.org|deb\.deb" r"ian\.org|pythonhos" r"ted\.org)",
     "a package host: leave it to the package manager"),
]

MAX_LINES = 500  # 250 is what to aim for
MAX_LINE_LENGTH = 120  # clang-format keeps code at 100; this is for comments and scripts
