"""The servers of a cluster on this machine: what each is started with. Test settings: little memory, quick starts, but
what a server acknowledged outlives its kill -9 (Redis alone may forget)."""
import os, pathlib, re, shutil, subprocess

import probes

HERE = pathlib.Path(__file__).resolve().parent
NODES = {"small": 1, "full": 3}  # of each replicated server
MEMORY = {"small": 3, "full": 6}  # GB that must be available
REPLICATED = ["cassandra", "kafka", "zookeeper"]
PORTS = {"redis": 1, "mysql": 1, "cassandra": 2, "kafka": 2, "zookeeper": 3, "s3": 1}  # each needs; clients use the first
PATH = os.environ.get("PATH", "") + ":/usr/sbin"  # where mariadbd is
S3_ENVIRONMENT = {"ROOT_ACCESS_KEY": "parley", "ROOT_SECRET_KEY": "parley-secret", "VGW_REGION": "us-east-1"}
LOGBACK = """<configuration>
<appender name="C" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%d %-5level %logger{20} %msg%n</pattern></encoder></appender>
<root level="INFO"><appender-ref ref="C"/></root>
</configuration>
"""


class NotInstalled(Exception):
    pass


def program(name):
    return shutil.which(name, path=PATH) or missing(name)


def missing(what):
    raise NotInstalled(f"{what} is not installed: scripts/bootstrap cluster installs what the servers need")


def cached(name, version):
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    folder = cache / "parley" / "backends" / f"{name}-{version}"
    return folder if folder.is_dir() else missing(f"{name} {version}")


def jars(name):
    return cached(name, re.search("<version>(.*?)</version>", (HERE / "pom" / name / "pom.xml").read_text())[1])


def versitygw():
    return cached("versitygw", (HERE / "versitygw.txt").read_text().strip().rsplit("@v", 1)[1]) / "versitygw"


def java17():
    return next(pathlib.Path("/usr/lib/jvm").glob("java-17-openjdk-*/bin/java"), None) or missing("Java 17")


def check_installed():
    for name in "redis-server", "mariadbd", "mariadb-install-db", "mariadb":
        program(name)
    java17(), versitygw()
    for name in REPLICATED:
        jars(name)


def java(quick, heap):
    # Quick to start, but slower once warm: for tests, not for figures.
    return [java17(), f"-Xmx{heap}", "-Xss256k", "-XX:+ExitOnOutOfMemoryError", "-XX:+PerfDisableSharedMem",
            *(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"] if quick else [])]


def host(kind, number):
    """Drivers take for granted that all nodes of a Cassandra cluster have one port, so each has an address of its own."""
    return f"127.0.0.{number}" if kind == "cassandra" else "127.0.0.1"


class Server:
    """One server. `ports` are those of its kind by node: {1: [client port, others...], 2: ...}."""

    def __init__(self, kind, number, ports, folder, quick):
        self.kind, self.number, self.quick = kind, number, quick
        self.nodes, self.all_ports, self.ports = len(ports), ports, ports[number]
        self.name = kind if number == 1 else f"{kind}{number}"
        self.folder = folder / self.name
        self.log = folder / f"{self.name}.log"
        self.address = f"{host(kind, number)}:{self.ports[0]}"
        self.environment = {}

    def prepare(self):
        """Writes the configuration, makes the data folder if there is none, and returns the command."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return [str(word) for word in getattr(self, self.kind)()]

    def ready(self, alive):
        """As the probe says. `alive`: how many nodes of its kind run."""
        more = {"kafka": [alive], "cassandra": [alive, self.nodes]}.get(self.kind, [])
        return getattr(probes, self.kind)(self.address, *more)

    def write(self, name, text):
        (self.folder / name).write_text(text)
        return self.folder / name

    def run(self, command):
        with open(self.log, "ab") as log:
            subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True)

    def redis(self):
        """Keeps nothing on disk: what is in it may be lost."""
        return [program("redis-server"), "--bind", "127.0.0.1", "--port", self.ports[0], "--dir", self.folder, "--save", "",
                "--appendonly", "no", "--maxmemory", "256mb", "--daemonize", "no"]

    def mysql(self):
        server = [program("mariadbd"), "--no-defaults"]
        data = self.folder / "data"
        root = ["--user=root"] if os.geteuid() == 0 else []  # which it refuses to be unasked
        if not data.exists():
            new = self.folder / "data.new"
            shutil.rmtree(new, ignore_errors=True)
            self.run([program("mariadb-install-db"), "--no-defaults", *root, f"--datadir={new}",
                      "--auth-root-authentication-method=normal", "--skip-test-db"])
            new.rename(data)
        # No socket file: its path has room for 107 bytes only. Text is compared by its bytes, as SQLite does.
        return [*server, *root, f"--datadir={data}", "--socket=", f"--pid-file={self.folder / 'pid'}", "--bind-address=127.0.0.1",
                f"--port={self.ports[0]}", "--skip-name-resolve", "--max-connections=500", "--innodb-buffer-pool-size=64M",
                "--innodb-log-file-size=32M", "--innodb-flush-log-at-trx-commit=1", "--performance-schema=OFF",
                "--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin"]

    def s3(self):
        self.environment = S3_ENVIRONMENT
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        return [versitygw(), "--port", self.address, "--health", "/health", "--quiet", "posix", data]

    def zookeeper(self):
        """Ticks of 500 ms, so that a session may time out after 1 s and a dead leader is replaced within one."""
        members = "".join(f"server.{n}=127.0.0.1:{p[1]}:{p[2]}\n" for n, p in self.all_ports.items()) if self.nodes > 1 else ""
        (self.folder / "data").mkdir(exist_ok=True)
        self.write("data/myid", f"{self.number}\n")
        logging = self.write("logback.xml", LOGBACK)
        config = self.write("zoo.cfg", f"""tickTime=500
initLimit=20
syncLimit=10
dataDir={self.folder}/data
clientPort={self.ports[0]}
clientPortAddress=127.0.0.1
minSessionTimeout=1000
maxSessionTimeout=60000
maxClientCnxns=0
admin.enableServer=false
4lw.commands.whitelist=ruok,srvr,mntr,stat
autopurge.purgeInterval=1
{members}""")
        return [*java(self.quick, "128m"), "-Dzookeeper.jmx.log4j.disable=true", f"-Dlogback.configurationFile={logging}",
                "-cp", f"{jars('zookeeper')}/*", "org.apache.zookeeper.server.quorum.QuorumPeerMain", config]

    def kafka(self):
        """Broker and controller in one process. Topics are made on purpose only; a record is acknowledged by two of three."""
        voters = ",".join(f"{n}@127.0.0.1:{p[1]}" for n, p in self.all_ports.items())
        replicas, in_sync = self.nodes, 2 if self.nodes > 1 else 1
        config = self.write("server.properties", f"""process.roles=broker,controller
node.id={self.number}
controller.quorum.voters={voters}
listeners=PLAINTEXT://{self.address},CONTROLLER://127.0.0.1:{self.ports[1]}
advertised.listeners=PLAINTEXT://{self.address}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={self.folder}/data
auto.create.topics.enable=false
num.partitions=3
default.replication.factor={replicas}
min.insync.replicas={in_sync}
offsets.topic.replication.factor={replicas}
offsets.topic.num.partitions=3
transaction.state.log.replication.factor={replicas}
transaction.state.log.num.partitions=3
transaction.state.log.min.isr={in_sync}
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.num.partitions=3
share.coordinator.state.topic.min.isr={in_sync}
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=6000
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=16777216
log.segment.bytes=16777216
""")
        classes = ["-cp", f"{jars('kafka')}/*"]
        if not (self.folder / "formatted").exists():
            self.run([*java(True, "128m"), *classes, "kafka.tools.StorageTool", "format", "--ignore-formatted",
                      "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", config])  # the cluster's id: any UUID in base64
            self.write("formatted", "")
        return [*java(self.quick, "256m"), "-Xms256m", "-XX:MaxDirectMemorySize=128m", "-Dorg.slf4j.simpleLogger.showDateTime=true",
                "-Dorg.slf4j.simpleLogger.log.kafka.request.logger=warn", *classes, "kafka.Kafka", config]

    def cassandra(self):
        """All nodes are seeds with fixed tokens and start at once; one with a single seed fails if that is slow to come.
        A write is answered after the commit log was synced (`batch`: at once, together with all that wait by then; `group`
        would first let a window pass): with one node there is no other to hold it through a power cut. Memtables are tries outside
        the heap, and small: a flush of a third of them is over before anybody waits for long. Compaction goes slowly for the same reason."""
        seeds = ",".join(f"{host('cassandra', n)}:{p[1]}" for n, p in self.all_ports.items())
        address = host("cassandra", self.number)
        self.write("cassandra-rackdc.properties", "dc=dc1\nrack=rack1\n")
        self.write("logback.xml", LOGBACK)
        config = self.write("cassandra.yaml", f"""cluster_name: parley
num_tokens: 1
initial_token: '{-2**63 + (self.number - 1) * 2**64 // self.nodes}'
auto_bootstrap: false
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: GossipingPropertyFileSnitch
dynamic_snitch: false
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters: [{{ seeds: "{seeds}" }}]
listen_address: {address}
rpc_address: {address}
storage_port: {self.ports[1]}
native_transport_port: {self.ports[0]}
data_file_directories: [ {self.folder}/data ]
commitlog_directory: {self.folder}/commitlog
saved_caches_directory: {self.folder}/saved_caches
hints_directory: {self.folder}/hints
cdc_raw_directory: {self.folder}/cdc_raw
commitlog_sync: batch
commitlog_segment_size: 8MiB
commitlog_total_space: 128MiB
disk_failure_policy: stop
commit_failure_policy: stop
memtable_heap_space: 64MiB
memtable_offheap_space: 24MiB
memtable_allocation_type: offheap_objects
memtable:
  configurations:
    trie:
      class_name: TrieMemtable
    default:
      inherits: trie
file_cache_size: 32MiB
networking_cache_size: 16MiB
key_cache_size: 8MiB
counter_cache_size: 0MiB
row_cache_size: 0MiB
concurrent_reads: 8
concurrent_writes: 32
concurrent_counter_writes: 4
concurrent_compactors: 1
compaction_throughput: 8MiB/s
native_transport_max_threads: 64
auto_snapshot: false
hinted_handoff_enabled: true
hints_flush_period: 1000ms
read_request_timeout: 5000ms
write_request_timeout: 2000ms
cas_contention_timeout: 1800ms
request_timeout: 10000ms
""")
        self.environment = {"MALLOC_ARENA_MAX": "2"}
        folder = jars("cassandra")
        settings = {"io.netty.tryReflectionSetAccessible": "true", "io.netty.allocator.maxOrder": 11, "java.net.preferIPv4Stack": "true",
                    "cassandra.config": f"file://{config}", "logback.configurationFile": f"file:{self.folder}/logback.xml",
                    "cassandra.storagedir": self.folder, "cassandra.logdir": self.folder, "cassandra-foreground": "yes",
                    "cassandra.ring_delay_ms": 2000, "cassandra.skip_wait_for_gossip_to_settle": 0, "cassandra.migration_delay_ms": 0,
                    "cassandra.superuser_setup_delay_ms": 0, "cassandra.shutdown_announce_in_ms": 0,
                    "cassandra.schema_pull_interval_ms": 2000, "jdk.attach.allowAttachSelf": "true"}
        heap = "512m" if self.nodes == 1 else "320m"
        return [*java(self.quick, heap), f"-Xms{heap}", "-XX:MaxDirectMemorySize=256m", *opened(), f"-javaagent:{next(folder.glob('jamm-*.jar'))}",
                *(f"-D{name}={value}" for name, value in settings.items()), "-cp", f"{self.folder}:{folder}/*",
                "org.apache.cassandra.service.CassandraDaemon"]


def opened():
    """What Cassandra 5.0 reaches into of Java 17 (its conf/jvm17-server.options)."""
    exports = ("java.base/jdk.internal.misc java.management.rmi/com.sun.jmx.remote.internal.rmi java.rmi/sun.rmi.registry "
               "java.rmi/sun.rmi.server java.sql/java.sql java.base/java.lang.ref jdk.unsupported/sun.misc "
               "jdk.compiler/com.sun.tools.javac.file jdk.attach/sun.tools.attach")
    base = ("java.lang.module jdk.internal.loader jdk.internal.ref jdk.internal.reflect jdk.internal.math jdk.internal.module "
            "jdk.internal.util.jar sun.nio.ch java.io java.lang.reflect java.lang java.util java.nio")
    opens = [f"java.base/{name}" for name in base.split()] + ["jdk.management/com.sun.management.internal",
                                                               "jdk.compiler/com.sun.tools.javac"]
    return [f"--add-exports={name}=ALL-UNNAMED" for name in exports.split()] + [f"--add-opens={name}=ALL-UNNAMED" for name in opens]
