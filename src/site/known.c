/* SPDX-License-Identifier: Apache-2.0 */
#include "site/known.h"

/* Names as the kernel keeps them, 15 bytes at most. NULL: the port says what it is. */
struct program {
	const char *name; /* a shell pattern */
	const char *what;
	enum known_use use;
	uint16_t low, high;
};

static const struct program programs[] = {
	{"nginx*", NULL, KNOWN_WORLD},
	{"apache2", NULL, KNOWN_WORLD},
	{"httpd", NULL, KNOWN_WORLD},
	{"lighttpd", NULL, KNOWN_WORLD},
	{"caddy", NULL, KNOWN_WORLD},
	{"haproxy", NULL, KNOWN_WORLD},
	{"envoy", NULL, KNOWN_WORLD},
	{"traefik", NULL, KNOWN_WORLD},
	{"varnishd", NULL, KNOWN_WORLD},
	{"mosquitto", "mqtt", KNOWN_WORLD},
	{"nanomq", "mqtt", KNOWN_WORLD},
	{"exim4", NULL, KNOWN_WORLD},
	{"master", NULL, KNOWN_WORLD}, /* of Postfix */
	{"dovecot", NULL, KNOWN_WORLD},
	{"pdns_server", "dns", KNOWN_WORLD},
	{"knotd", "dns", KNOWN_WORLD},
	{"nsd", "dns", KNOWN_WORLD},
	{"openvpn", "openvpn", KNOWN_WORLD},
	{"charon*", "ipsec", KNOWN_WORLD},
	{"pluto", "ipsec", KNOWN_WORLD},
	{"tailscaled", "tailscale", KNOWN_WORLD},
	{"zerotier-one", "zerotier", KNOWN_WORLD},
	{"turnserver", "turn", KNOWN_WORLD},
	{"vsftpd", "ftp", KNOWN_WORLD},
	{"proftpd", "ftp", KNOWN_WORLD},
	{"pure-ftpd", "ftp", KNOWN_WORLD},

	{"postgres", "postgresql", KNOWN_INSIDE},
	{"pgbouncer", "postgresql", KNOWN_INSIDE},
	{"mysqld", "mysql", KNOWN_INSIDE},
	{"mariadbd", "mysql", KNOWN_INSIDE},
	{"redis-server", "redis", KNOWN_INSIDE},
	{"valkey-server", "redis", KNOWN_INSIDE},
	{"keydb-server", "redis", KNOWN_INSIDE},
	{"memcached", "memcached", KNOWN_INSIDE},
	{"mongod", "mongodb", KNOWN_INSIDE},
	{"mongos", "mongodb", KNOWN_INSIDE},
	{"influxd", "influxdb", KNOWN_INSIDE},
	{"clickhouse-serv", "clickhouse", KNOWN_INSIDE},
	{"etcd", "etcd", KNOWN_INSIDE},
	{"consul", "consul", KNOWN_INSIDE},
	{"nats-server", "nats", KNOWN_INSIDE},
	{"beanstalkd", "beanstalk", KNOWN_INSIDE},
	{"cockroach", "postgresql", KNOWN_INSIDE},
	{"slapd", "ldap", KNOWN_INSIDE},
	{"minio", "minio", KNOWN_INSIDE},

	{"rpcbind", "rpcbind", KNOWN_INSIDE},
	{"rpc.*", "nfs", KNOWN_INSIDE},
	{"smbd", "smb", KNOWN_INSIDE},
	{"nmbd", "smb", KNOWN_INSIDE},
	{"snmpd", "snmp", KNOWN_INSIDE},
	{"cupsd", "ipp", KNOWN_INSIDE},
	{"cups-browsed", "ipp", KNOWN_INSIDE},
	{"dockerd", "docker-api", KNOWN_INSIDE},
	{"kubelet", "kubelet", KNOWN_INSIDE},
	{"kube-*", "kubernetes", KNOWN_INSIDE},
	{"k3s*", "kubernetes", KNOWN_INSIDE},
	{"prometheus*", "prometheus", KNOWN_INSIDE},
	{"node_exporter", "prometheus", KNOWN_INSIDE},
	{"alertmanager", "prometheus", KNOWN_INSIDE},
	{"grafana*", "grafana", KNOWN_INSIDE},
	{"netdata", "netdata", KNOWN_INSIDE},
	{"zabbix_*", "zabbix", KNOWN_INSIDE},
	{"nrpe", "nrpe", KNOWN_INSIDE},
	{"munin-node", "munin", KNOWN_INSIDE},
	{"miniserv.pl", "webmin", KNOWN_INSIDE},
	{"cockpit-tls", "cockpit", KNOWN_INSIDE},
	{"pveproxy*", "proxmox", KNOWN_INSIDE},
	{"libvirtd", "libvirt", KNOWN_INSIDE},
	{"Xvnc*", "vnc", KNOWN_INSIDE},
	{"x11vnc", "vnc", KNOWN_INSIDE},
	{"xrdp*", "rdp", KNOWN_INSIDE},
	{"squid", "proxy", KNOWN_INSIDE},
	{"unbound", "dns", KNOWN_INSIDE},
	{"dnsmasq", "dns", KNOWN_INSIDE},
	{"rsync", "rsync", KNOWN_INSIDE},
	{"rsyslogd", "syslog", KNOWN_INSIDE},
	{"in.tftpd", "tftp", KNOWN_INSIDE},
	{"bareos-*", "bareos", KNOWN_INSIDE},
	{"bacula-*", "bacula", KNOWN_INSIDE},
	{"ntpd", "ntp", KNOWN_INSIDE},
	{"chronyd", "ntp", KNOWN_INSIDE},
	{"epmd", "erlang", KNOWN_INSIDE},
	{"mosh-server", "mosh", KNOWN_INSIDE, 60000, 61000},
	{"avahi-daemon", "mdns", KNOWN_INSIDE},
};

/* What runs others' programs, or passes connections on. */
static const char *const runtimes[] = {
	"systemd", "init",        "inetd",  "xinetd",  "docker-proxy", "conmon", "rootlessport",
	"pasta*",  "slirp4netns", "java",   "node",    "python*",      "ruby*",  "perl",
	"php*",    "beam.smp",    "dotnet", "uvicorn", "gunicorn",     "deno",   "bun",
};

/* Ranges of ports for one thing. */
struct port {
	uint16_t low, high;
	char protocol; /* t, u, or b for both */
	const char *what;
	enum known_use use;
};

static const struct port ports[] = {
	{20, 21, 't', "ftp", KNOWN_WORLD},
	{22, 22, 't', "ssh", KNOWN_INSIDE}, /* of a container: sshd's own is no line of its own */
	{23, 23, 't', "telnet", KNOWN_INSIDE},
	{25, 25, 't', "smtp", KNOWN_WORLD},
	{53, 53, 'b', "dns", KNOWN_UNSAID},
	{68, 68, 'u', NULL, KNOWN_NEVER},
	{69, 69, 'u', "tftp", KNOWN_INSIDE},
	{80, 80, 't', "http", KNOWN_WORLD},
	{110, 110, 't', "pop3", KNOWN_WORLD},
	{111, 111, 'b', "rpcbind", KNOWN_INSIDE},
	{123, 123, 'u', "ntp", KNOWN_INSIDE},
	{137, 138, 'u', "smb", KNOWN_INSIDE},
	{139, 139, 't', "smb", KNOWN_INSIDE},
	{143, 143, 't', "imap", KNOWN_WORLD},
	{161, 162, 'u', "snmp", KNOWN_INSIDE},
	{389, 389, 't', "ldap", KNOWN_INSIDE},
	{443, 443, 't', "https", KNOWN_WORLD},
	{443, 443, 'u', "http3", KNOWN_WORLD},
	{445, 445, 't', "smb", KNOWN_INSIDE},
	{465, 465, 't', "smtps", KNOWN_WORLD},
	{500, 500, 'u', "ipsec", KNOWN_WORLD},
	{512, 513, 't', "rlogin", KNOWN_INSIDE},
	{514, 514, 'b', "syslog", KNOWN_INSIDE},
	{546, 546, 'u', NULL, KNOWN_NEVER},
	{587, 587, 't', "submission", KNOWN_WORLD},
	{631, 631, 'b', "ipp", KNOWN_INSIDE},
	{636, 636, 't', "ldap", KNOWN_INSIDE},
	{853, 853, 't', "dns", KNOWN_UNSAID},
	{873, 873, 't', "rsync", KNOWN_INSIDE},
	{993, 993, 't', "imaps", KNOWN_WORLD},
	{995, 995, 't', "pop3s", KNOWN_WORLD},
	{1194, 1194, 'b', "openvpn", KNOWN_WORLD},
	{1433, 1433, 't', "mssql", KNOWN_INSIDE},
	{1521, 1521, 't', "oracle", KNOWN_INSIDE},
	{1883, 1883, 't', "mqtt", KNOWN_WORLD},
	{2049, 2049, 'b', "nfs", KNOWN_INSIDE},
	{2181, 2181, 't', "zookeeper", KNOWN_INSIDE},
	{2375, 2377, 't', "docker-api", KNOWN_INSIDE},
	{2379, 2380, 't', "etcd", KNOWN_INSIDE},
	{3128, 3128, 't', "proxy", KNOWN_INSIDE},
	{3306, 3306, 't', "mysql", KNOWN_INSIDE},
	{3389, 3389, 't', "rdp", KNOWN_INSIDE},
	{3478, 3478, 'b', "turn", KNOWN_WORLD},
	{4222, 4222, 't', "nats", KNOWN_INSIDE},
	{4369, 4369, 't', "erlang", KNOWN_INSIDE},
	{4500, 4500, 'u', "ipsec", KNOWN_WORLD},
	{5353, 5353, 'u', "mdns", KNOWN_INSIDE},
	{5355, 5355, 'b', "llmnr", KNOWN_INSIDE},
	{5432, 5433, 't', "postgresql", KNOWN_INSIDE},
	{5601, 5601, 't', "kibana", KNOWN_INSIDE},
	{5666, 5666, 't', "nrpe", KNOWN_INSIDE},
	{5672, 5672, 't', "amqp", KNOWN_INSIDE},
	{5683, 5684, 'u', "coap", KNOWN_WORLD},
	{5900, 5910, 't', "vnc", KNOWN_INSIDE},
	{5984, 5984, 't', "couchdb", KNOWN_INSIDE},
	{6379, 6379, 't', "redis", KNOWN_INSIDE},
	{6443, 6443, 't', "kubernetes", KNOWN_INSIDE},
	{7000, 7001, 't', "cassandra", KNOWN_INSIDE},
	{8086, 8086, 't', "influxdb", KNOWN_INSIDE},
	{8443, 8443, 't', "https", KNOWN_WORLD},
	{8500, 8500, 't', "consul", KNOWN_INSIDE},
	{8883, 8883, 't', "mqtt", KNOWN_WORLD},
	{9042, 9042, 't', "cassandra", KNOWN_INSIDE},
	{9090, 9091, 't', "prometheus", KNOWN_INSIDE},
	{9092, 9092, 't', "kafka", KNOWN_INSIDE},
	{9100, 9100, 't', "prometheus", KNOWN_INSIDE},
	{9200, 9300, 't', "elasticsearch", KNOWN_INSIDE},
	{10000, 10000, 't', "webmin", KNOWN_INSIDE},
	{10050, 10051, 't', "zabbix", KNOWN_INSIDE},
	{10250, 10259, 't', "kubelet", KNOWN_INSIDE},
	{11211, 11211, 'b', "memcached", KNOWN_INSIDE},
	{15672, 15672, 't', "rabbitmq", KNOWN_INSIDE},
	{27017, 27019, 't', "mongodb", KNOWN_INSIDE},
	{51820, 51820, 'u', "wireguard", KNOWN_WORLD},
};

/* Where the kernel takes ports from for sockets that ask for none, by default. */
#define EPHEMERAL 32768

static const struct program *find_program(struct str process)
{
	for (size_t i = 0; process.p && i < ARRAY_LEN(programs); i++)
		if (str_glob(programs[i].name, process))
			return &programs[i];
	return NULL;
}

static bool is_runtime(struct str process)
{
	for (size_t i = 0; process.p && i < ARRAY_LEN(runtimes); i++)
		if (str_glob(runtimes[i], process))
			return true;
	return false;
}

static const struct port *find_port(unsigned number, bool udp)
{
	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		if (number >= ports[i].low && number <= ports[i].high &&
			ports[i].protocol != (udp ? 't' : 'u'))
			return &ports[i];
	return NULL;
}

/* Either that says it belongs inside has its way: a proxy on a database's port is in front of one. */
struct known known_listener(struct str process, unsigned number, bool udp)
{
	const struct program *program = find_program(process);
	const struct port *port = find_port(number, udp);
	struct known k = {.named = program != NULL, .runtime = is_runtime(process)};

	if (port)
		k = (struct known){port->what, port->use, .named = k.named, .runtime = k.runtime};
	if (program) {
		k.what = program->what ? program->what : port ? port->what : NULL;
		k.use = k.use >= KNOWN_INSIDE && program->use == KNOWN_WORLD ? k.use : program->use;
		k.low = program->low;
		k.high = program->high;
	}
	/* A client that asks over UDP looks like a server until it is connected. */
	if (udp && number >= EPHEMERAL && !port && !program && process.p)
		k.use = KNOWN_NEVER;
	return k;
}
