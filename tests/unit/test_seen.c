/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is guessed of small snapshots: the lines of the site file that must be there, and those that must
 * not. Every one loads, admits the session, and is found unchanged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "site/compare.h"
#include "site/known.h"
#include "site/nets.h"
#include "site/text.h"

#define NOW 1767225600 /* 2026-01-01 */

/* Tables in JSON with ' for ". */
#define ETH1 "{'name':'eth1','addresses':['10.0.0.5/24'],'up':true,'kind':'ethernet'}"
#define LAN "'interfaces':{'rows':[" ETH1 "]}"
#define SSHD "{'protocol':'tcp','address':'::','port':22,'scope':'public','process':'sshd','user':'root'}"
#define LISTENS(port, scope, address, process)                                                     \
	"{'protocol':'tcp','address':'" address "','port':" port ",'scope':'" scope "','process':'" process "'}"
#define WORLD(port, process) LISTENS(port, "public", "0.0.0.0", process)
#define LISTENERS(rows) "'listeners':{'rows':[" rows "]}"
#define PEER(direction, port, address)                                                             \
	"{'protocol':'tcp','direction':'" direction "','port':" port ",'address':'" address "','connections':1}"
#define PEERS(rows) "'peers':{'rows':[" rows "]}"
#define CAME(program, port, scope, address)                                                        \
	"{'program':'" program "'," port "'address':'" address "','scope':'" scope "','lines':3}"
#define LOGS(rows) "'log_peers':{'rows':[" rows "]}"
#define LOGIN(user, address, last)                                                                 \
	"{'user':'" user "','address':'" address "','logins':2,'last':'" last                          \
	"T00:00:00Z','forgeable':false,'_source':'journal'}"
#define LOGINS(rows) "'logins':{'rows':[" rows "]}"
#define OPS                                                                                        \
	"'users':{'rows':[{'name':'root','uid':0,'login_shell':true},"                                 \
	"{'name':'ops','uid':1000,'login_shell':true,'groups':['sudo']},"                              \
	"{'name':'deploy','uid':1001,'login_shell':true},{'name':'www','uid':33}]},"                   \
	"'authorized_keys':{'rows':[{'user':'ops','_source':'/k:1'},{'user':'deploy'}]},"              \
	"'sudoers':{'rows':[{'users':['%sudo'],'runas':['ALL'],'all_commands':true,'active':true}]}"

struct guess {
	const char *tables;
	const char *peer; /* of the session; NULL: a console's; "?": over SSH, from nobody knows where */
	const char *want[8], *not[8];
};

static const struct guess guesses[] = {
	/* A web server is everyone's, whoever is connected; sshd is no line of its own. */
	{LAN "," LISTENERS(SSHD "," WORLD("80", "nginx") "," WORLD("8080", "myapp")) "," PEERS(
		 PEER("in", "80", "10.0.0.9")),
	 NULL,
	 {"  - {port: 80/tcp, to: world, what: http}", "  - {port: 8080/tcp, to: world, what: myapp}",
	  "  # nginx listens on 0.0.0.0; connected now: 10.0.0.9", "profile: web",
	  "  # myapp listens on 0.0.0.0; nobody else is connected now: a guess"},
	 {"22/tcp"}},
	/* A log says who came, and is tried by anyone: only private addresses count, and those of one port. */
	{LAN "," LISTENERS(WORLD("5432", "postgres") "," WORLD("8083", "beam.smp") "," WORLD(
		 "8080", "nginx") "," WORLD("8081", "nginx")) ","
		 LOGS(CAME("postgres", "", "private", "192.168.7.7") "," CAME("postgres", "", "public", "198.51.100.9") ","
			  CAME("nginx", "", "public", "198.51.100.8") "," CAME("mosquitto", "'port':5432,", "private", "192.168.7.8") ","
			  CAME("nginx", "'port':8081,", "public", "198.51.100.7")) ","
		 PEERS(PEER("in", "22", "10.0.0.9")),
	 NULL,
	 {"  - {port: 5432/tcp, to: 192.168.7.7, what: postgresql}",
	  "  # postgres listens on 0.0.0.0; nobody else is connected now; in its log: 192.168.7.7, 198.51.100.9",
	  "  # nginx listens on 0.0.0.0; nobody else is connected now; in its log: 198.51.100.7"},
	 {"192.168.7.8", "198.51.100.8"}},
	/* What nobody knows is for those who are seen, when these are neighbours. */
	{LAN "," LISTENERS(WORLD("8080", "myapp")) "," PEERS(
		 PEER("in", "8080", "10.0.0.9") "," PEER("in", "8080", "10.0.0.10")),
	 NULL,
	 {"  - {port: 8080/tcp, to: lan, what: myapp}"},
	 {"world"}},
	/* A database is never everyone's: it is for who is connected, or the private networks. */
	{LAN "," LISTENERS(WORLD("5432", "postgres") "," WORLD("3306", "java") "," WORLD("6380", "redis-server")) "," PEERS(
		 PEER("in", "5432", "203.0.113.9") "," PEER("in", "5432", "10.0.0.9") "," PEER(
			 "in", "5432", "10.0.0.5")),
	 NULL,
	 {"  - {port: 5432/tcp, to: [203.0.113.9, lan], what: postgresql}",
	  "  - {port: 3306/tcp, to: lan, what: mysql}", "  - {port: 6380/tcp, to: lan, what: redis}",
	  "profile: database"},
	 {"world"}},
	/* Where there is no private network, a person has to say. */
	{LISTENERS(WORLD("5432", "postgres") "," WORLD("2375", "dockerd")) "," PEERS(""),
	 NULL,
	 {"serves: []", "  # - {port: 5432/tcp, to: [...], what: postgresql}",
	  "  # - {port: 2375/tcp, to: [...], what: docker-api}",
	  "  # This is not for everyone, and nobody is seen that it is for: whom?"},
	 {"  - {port: 5432", "world"}},
	/* Nor is this host itself somebody. */
	{"'interfaces':{'rows':[{'name':'eth0','addresses':['198.51.100.2/24'],'up':true,'kind':'ethernet'}]},"
	 LISTENERS(WORLD("5432", "postgres")) "," PEERS(PEER("in", "5432", "198.51.100.2")),
	 NULL,
	 {"  # - {port: 5432/tcp, to: [...], what: postgresql}",
	  "  # postgres listens on 0.0.0.0; nobody else is connected now"},
	 {NULL}},
	/* A proxy on a database's port is in front of one. */
	{LAN "," LISTENERS(WORLD("5432", "haproxy")), NULL, {"  - {port: 5432/tcp, to: lan, what: postgresql}"}, {"world"}},
	/* An address of a private network is for that network. */
	{"'interfaces':{'rows':[" ETH1 ",{'name':'wg0','addresses':['10.8.0.1/24'],'up':true,'kind':'wireguard'}]},"
	 LISTENERS(LISTENS("80", "private", "10.8.0.1", "nginx") "," LISTENS("5432", "private", "10.0.0.5", "postgres")),
	 NULL,
	 {"  - {port: 80/tcp, to: vpn, what: http}", "  - {port: 5432/tcp, to: lan, what: postgresql}",
	  "  vpn: [10.8.0.0/24]", "  lan: [10.0.0.0/24]"},
	 {"world"}},
	/* Loopback is nobody's affair, nor are a client's sockets. */
	{LISTENERS(LISTENS("5432", "loopback", "127.0.0.1", "postgres") ","
			   "{'protocol':'udp','address':'0.0.0.0','port':40000,'scope':'public','process':'named'},"
			   "{'protocol':'udp','address':'0.0.0.0','port':68,'scope':'public','process':'dhclient'}"),
	 NULL,
	 {"serves: []", "profile: server"},
	 {"port:"}},
	/* But nobody hides behind a name: a process that says it is sshd and is not root's. */
	{LISTENERS("{'protocol':'tcp','address':'0.0.0.0','port':4444,'scope':'public','process':'sshd','user':'www'},"
			   "{'protocol':'tcp','address':'0.0.0.0','port':40000,'scope':'public','process':'dhclient','user':'www'}"),
	 NULL,
	 {"  - {port: 4444/tcp, to: world, what: sshd}", "  - {port: 40000/tcp, to: world, what: dhclient}"},
	 {"no server of SSH"}},
	/* sshd's socket may be systemd's. */
	{"'sshd':{'rows':[{'key':'Port','value':'2222'}]}," LISTENERS(WORLD("2222", "systemd")),
	 NULL, {"serves: []"}, {"port:"}},
	/* TLS, where a configuration tells. */
	{LISTENERS(WORLD("443", "nginx") "," WORLD("80", "nginx") "," WORLD("8883", "mosquitto") "," WORLD("1883", "mosquitto"))
	 ",'nginx':{'rows':[{'context':'server','listen':['80','443'],'tls':true,'plain':'redirect'}]}"
	 ",'mosquitto':{'rows':[{'port':8883,'tls':true,'client_certificates':true},{'port':1883,'tls':false}]}",
	 NULL,
	 {"  - {port: 443/tcp, to: world, what: https, tls: server}", "  - {port: 80/tcp, to: world, what: http}",
	  "  - {port: 8883/tcp, to: world, what: mqtt, tls: mutual}", "  - {port: 1883/tcp, to: world, what: mqtt}",
	  "profile: iot-backend"},
	 {NULL}},
	/* What a container publishes, with or without a process that listens for it. */
	{LISTENERS("") ",'containers':{'rows':[{'name':'db','engine':'podman','image':'postgres:15','active':true,"
				   "'published':['0.0.0.0:15432->5432/tcp','127.0.0.1:9->9/tcp','[::]:8081->80/tcp']}]}",
	 NULL,
	 {"  # - {port: 15432/tcp, to: [...], what: postgresql}", "  - {port: 8081/tcp, to: world, what: http}",
	  "  # the container db of postgres:15 (podman) listens on 0.0.0.0; who comes is not known",
	  "profile: container-host"},
	 {"port: 9/"}},
	/* One of which nobody knows whether it runs tells what listens there. */
	{LAN "," LISTENERS(WORLD("15432", "conmon") "," WORLD("8081", "docker-proxy"))
	 ",'containers':{'rows':[{'name':'db','engine':'podman','image':'x','active':{'unknown':'x'},"
	 "'published':['15432:15432->5432/tcp','0.0.0.0:15432->5432/tcp','0.0.0.0:7->7/tcp']},"
	 "{'name':'web','engine':'docker','image':'x','active':true,'published':['0.0.0.0:8081->80/tcp']},"
	 "{'name':'off','engine':'docker','image':'x','active':false,'published':['0.0.0.0:9->9/tcp']}]},"
	 PEERS(PEER("in", "8081", "10.0.0.9")),
	 NULL,
	 {"  - {port: 15432/tcp, to: lan, what: postgresql}", "  - {port: 8081/tcp, to: world, what: http}"},
	 {"port: 7/", "port: 9/"}},
	/* Who administers, from where: the session first, a neighbour by the name of the network. */
	{LAN "," OPS "," LISTENERS(SSHD) "," LOGINS(LOGIN("ops", "203.0.113.7", "2025-12-31") "," LOGIN(
		 "ops", "10.0.0.9", "2025-12-30") "," LOGIN("deploy", "198.51.100.1", "2025-12-29") "," LOGIN(
		 "ops", "192.0.2.1", "2025-01-01")),
	 "203.0.113.7",
	 {"    - ops", "  from:", "    - 203.0.113.7", "    - lan", "    - 198.51.100.1",
	  "    # this session; ops 2 times, last on 2025-12-31"},
	 {"- deploy", "- root", "- www", "192.0.2.1"}},
	/* A session that nothing else remembers is in the list all the same. */
	{OPS "," LISTENERS(SSHD) "," LOGINS(LOGIN("ops", "198.51.100.1", "2025-12-31")),
	 "203.0.113.7", {"  from:", "    - 203.0.113.7", "    - 198.51.100.1"}, {"# from"}},
	{OPS "," LISTENERS(SSHD) "," LOGINS(LOGIN("ops", "198.51.100.1", "2025-12-31")),
	 "2001:db8::7", {"  from:", "    - '2001:db8::7'"}, {"# from"}},
	/* One whose address is not known would be locked out by any list, and so would others. */
	{OPS "," LISTENERS(SSHD) "," LOGINS(LOGIN("ops", "198.51.100.1", "2025-12-31")),
	 "?", {"  # from:", "    # - 198.51.100.1", "  # The address that this session comes from is not known."},
	 {"  from:"}},
	{OPS "," LISTENERS(SSHD) "," LOGINS(LOGIN("ops", "198.51.100.1", "2025-12-31")),
	 "fe80::7%eth0", {"  # from:"}, {"  from:"}},
	{OPS "," LISTENERS(SSHD) "," LOGINS(""), "203.0.113.7",
	 {"  # from:", "  # No login of the last 90 days is remembered.", "    # - 203.0.113.7"}, {"  from:"}},
	{OPS "," LISTENERS(SSHD) ",'logins':{'gap':'journal: denied','rows':[" LOGIN("ops", "198.51.100.1", "2025-12-31") "]}",
	 "198.51.100.1", {"  # from:", "  # Not all is known of who logs in: journal: denied."}, {"  from:"}},
	{OPS "," LISTENERS(SSHD) ",'logins':{'rows':[{'user':'ops','address':{'unknown':'a name'},'logins':1,"
		 "'last':'2025-12-31T00:00:00Z','forgeable':false}," LOGIN("ops", "198.51.100.1", "2025-12-31") "]}",
	 "198.51.100.1", {"  # from:"}, {"  from:"}},
	/* What anybody can write in a log opens nothing. */
	{OPS "," LISTENERS(SSHD) ",'logins':{'rows':[{'user':'ops','address':'192.0.2.66','logins':1,"
		 "'last':'2025-12-31T00:00:00Z','forgeable':true}," LOGIN("ops", "198.51.100.1", "2025-12-31") "]}",
	 NULL, {"    - 198.51.100.1"}, {"- 192.0.2.66"}},
	/* Root where nobody else can, or where it logs in from elsewhere. */
	{"'users':{'rows':[{'name':'root','uid':0,'login_shell':true}]},'authorized_keys':{'rows':[{'user':'root'}]}",
	 NULL, {"    - root"}, {NULL}},
	{OPS "," LOGINS(LOGIN("root", "203.0.113.7", "2025-12-31")), NULL, {"    - ops", "    - root"}, {NULL}},
	/* Nobody: then there is no list, which could not be empty. */
	{"'users':{'rows':[{'name':'root','uid':0,'login_shell':true}]}", NULL, {"# admins: {users: [name], from: [network]}"}, {"\nadmins:"}},
	/* Whoever becomes root by doas, by the last line that is about them. */
	{"'users':{'rows':[{'name':'a','uid':1000,'login_shell':true,'groups':['wheel']},"
	 "{'name':'b','uid':1001,'login_shell':true,'groups':['wheel']},{'name':'c','uid':1002,'login_shell':true}]},"
	 "'authorized_keys':{'rows':[{'user':'a'},{'user':'b'},{'user':'c'}]},"
	 "'doas':{'rows':[{'action':'permit','identity':':wheel'},{'action':'deny','identity':'b'},"
	 "{'action':'permit','identity':'c','command':'/bin/x'}]}",
	 NULL, {"    - a"}, {"- b", "- c"}},
	/* A VPN's packets that pass through are for a person to say. */
	{"'interfaces':{'rows':[{'name':'wg0','addresses':['10.8.0.1/24'],'up':true,'kind':'wireguard'}]},"
	 "'sysctl':{'rows':[{'key':'net.ipv4.ip_forward','value':'1'}]}",
	 NULL, {"# forwards: [{from: vpn, to: world}]"}, {"\nforwards"}},
	/* What it connects to: what words say already is left out, addresses are named one by one. */
	{LAN ",'resolver':{'rows':[{'nameservers':['10.0.0.2']}]},'time_sync':{'rows':[{'service':'chrony'}]}," PEERS(
		 PEER("out", "443", "192.0.2.1") "," PEER("out", "53", "10.0.0.2") "," PEER(
			 "out", "5432", "10.0.0.7") "," PEER("out", "9", "127.0.0.1")),
	 NULL,
	 {"  - dns", "  - ntp", "  - {port: 443/tcp, to: 192.0.2.1}", "  - {port: 5432/tcp, to: 10.0.0.7}", "egress: observe"},
	 {"port: 53/", "port: 9/", "- apt"}},
	/* What could not be seen is said. */
	{"'listeners':{'error':'offline: no'},'interfaces':{'error':'offline: no'}", NULL,
	 {"# Not seen: what listens: offline: no"}, {"serves:", "\nnetworks:"}},
	/* No name is longer than what the file takes. */
	{LISTENERS(WORLD("1", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggg")),
	 NULL, {"  - {port: 1/tcp, to: world, what: aaaaaaaaaabbbbbbbbbbccccccccccdd}"}, {NULL}},
	/* Nothing that is a name ends a comment or a value. */
	{LISTENERS(LISTENS("1", "public", "0.0.0.0", "x\\nserves: [{port: 2/tcp, to: world}]") ","
			   LISTENS("3", "public", "0.0.0.0", "x\\u0085waivers: 1\\u2028waivers: 2\\u2029\\ufeff") ","
			   LISTENS("4", "public", "0.0.0.0", "', to: world}\\r- {port: 5/tcp, to: \\\"")),
	 NULL,
	 {"  - {port: 1/tcp, to: world, what: xservesport2tcptoworld}"},
	 {"\nwaivers", "\nserves: [", "\n- {port: 5", "\r"}},
};

/* --- running ----------------------------------------------------------------------------------- */

static struct snapshot *snapshot_of(const char *tables)
{
	struct snapshot *snapshot = snapshot_new();
	_cleanup_buf_ struct buf text = BUF(1u << 20);
	struct err err = {0};

	buf_puts(&text, "{'format':'revet-snapshot','version':1,'time':'2026-01-01T00:00:00Z','live':true,"
					"'root':true,'tables':{");
	buf_puts(&text, tables);
	buf_puts(&text, "}}");
	/* A quote inside of a string is written \' there. */
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '\'' && (text.p[i + 1] != ',' || text.p[i + 2] != ' '))
			text.p[i] = '"';
	if (snapshot_parse(snapshot, buf_get(&text), "snapshot", &err) < 0)
		fail_msg("%s\n%s", err.msg, text.p);
	return snapshot;
}

static bool has_line(struct str text, const char *line)
{
	struct str each;

	while (str_line(&text, &each))
		if (str_is(each, line))
			return true;
	return false;
}

static void assert_text(const struct guess *g, struct str text)
{
	for (size_t i = 0; i < ARRAY_LEN(g->want) && g->want[i]; i++)
		if (!has_line(text, g->want[i]))
			fail_msg("no line '%s' in\n%.*s\nof %s", g->want[i], (int)text.n, text.p, g->tables);
	for (size_t i = 0; i < ARRAY_LEN(g->not) && g->not[i]; i++)
		if (str_has(text, g->not[i]))
			fail_msg("'%s' in\n%.*s\nof %s", g->not[i], (int)text.n, text.p, g->tables);
}

static void check_guess(const struct guess *g)
{
	_cleanup_snapshot_ struct snapshot *snapshot = snapshot_of(g->tables);
	bool known = g->peer && strcmp(g->peer, "?") != 0;
	const struct seen_session session = {.peer = known ? str_of(g->peer) : STR_ABSENT,
										 .uid = 1000, .by_ssh = g->peer != NULL};
	_cleanup_buf_ struct buf text = BUF(1u << 20);
	_cleanup_arena_ struct arena a = {0};
	struct comparison comparison;
	struct site_file site;
	struct seen seen;
	struct err err = {0};

	seen_make(snapshot, &session, &a, &seen);
	if (site_text_loads(&seen, NOW, &a, &text, &site, &err) < 0)
		fail_msg("%s\n%s", err.msg, text.p);
	assert_text(g, buf_get(&text));
	assert_true(!known || nets_admit(&site.admins.from, session.peer));
	site_compare(&seen, &site, buf_get(&text), &a, &comparison);
	if (comparison.all.n)
		fail_msg("%s: %s\n%s", comparison.all.p[0].object, comparison.all.p[0].detail, text.p);
}

static void test_guesses(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_LEN(guesses); i++)
		check_guess(&guesses[i]);
}

#define UNSEEN(port) \
	"{'protocol':'tcp','address':'::','port':" port ",'scope':'public','process':{'unknown':'x'}}"

/* Without root: what holds a port is not seen, nor mostly what sshd's ports are. */
static void test_what_may_be_sshd(void **state _unused_)
{
	static const struct {
		const char *tables;
		size_t differences;
		bool doubted;
	} cases[] = {
		{LISTENERS(UNSEEN("22") "," UNSEEN("22")), 0, true},
		{"'sshd':{'rows':[{'key':'Port','value':{'unknown':'x'}}]}," LISTENERS(UNSEEN("2222")), 0,
		 true},
		{"'sshd':{'rows':[{'key':'Port','value':'22'}]}," LISTENERS(UNSEEN("22")), 0, false},
		{"'sshd':{'rows':[{'key':'Port','value':'22'}]}," LISTENERS(UNSEEN("2222")), 1, false},
		{LISTENERS(UNSEEN("5432")), 1, false}, /* PostgreSQL's */
		{LISTENERS(WORLD("2222", "nginx")), 1, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_snapshot_ struct snapshot *snapshot = snapshot_of(cases[i].tables);
		_cleanup_arena_ struct arena a = {0};
		struct comparison comparison;
		struct site_file site;
		struct err err = {0};
		struct seen seen;
		bool doubted;

		assert_int_equal(site_file_parse(STR("serves: []"), "site.yaml", &a, &site, &err), 0);
		seen_make(snapshot, NULL, &a, &seen);
		site_compare(&seen, &site, STR(""), &a, &comparison);
		doubted = seen.services.n && seen.services.p[0].doubt;
		if (comparison.all.n != cases[i].differences || doubted != cases[i].doubted)
			fail_msg("%s: %zu differences, %s", cases[i].tables, comparison.all.n,
					 doubted ? "doubted" : "not doubted");
	}
}

/* More than anybody lists: of a database's clients and of logins a person has to say, of what the server
 * goes to it is everywhere. */
static void test_many(void **state _unused_)
{
	_cleanup_buf_ struct buf tables = BUF(1u << 20);
	struct guess g = {.want = {"  # - {port: 5432/tcp, to: [192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4, "
							   "192.0.2.5, 192.0.2.6, 192.0.2.7, 192.0.2.8, 192.0.2.9, 192.0.2.10, "
							   "192.0.2.11, 192.0.2.12, 192.0.2.13, 192.0.2.14, 192.0.2.15, "
							   "192.0.2.16], what: postgresql}",
							   "  # from:", "  # People log in from 20 addresses.",
							   "  - {port: 443/tcp, to: world}"}};

	buf_puts(&tables, OPS "," LISTENERS(SSHD "," WORLD("5432", "postgres")) ",'logins':{'rows':[");
	for (int i = 1; i <= 20; i++)
		buf_printf(&tables, "%s" LOGIN("ops", "192.0.2.%d", "2025-12-31"), i > 1 ? "," : "", i);
	buf_puts(&tables, "]},'peers':{'rows':[");
	for (int i = 1; i <= 20; i++)
		buf_printf(&tables, "%s" PEER("in", "5432", "192.0.2.%d") "," PEER("out", "443", "192.0.2.%d"),
				   i > 1 ? "," : "", i, i);
	buf_puts(&tables, "]}");
	g.tables = tables.p;
	check_guess(&g);
}

/* --- what is known, and networks --------------------------------------------------------------- */

static void test_known(void **state _unused_)
{
	static const struct {
		const char *process;
		unsigned port;
		bool udp;
		const char *what;
		enum known_use use;
	} cases[] = {
		{"nginx", 443, false, "https", KNOWN_WORLD},
		{"nginx", 443, true, "http3", KNOWN_WORLD},
		{"nginx", 6379, false, "redis", KNOWN_INSIDE},
		{"postgres", 1, false, "postgresql", KNOWN_INSIDE},
		{"docker-proxy", 9200, false, "elasticsearch", KNOWN_INSIDE},
		{NULL, 27018, false, "mongodb", KNOWN_INSIDE},
		{"strange", 12345, false, NULL, KNOWN_UNSAID},
		{"strange", 45678, true, NULL, KNOWN_NEVER},
		{"strange", 45678, false, NULL, KNOWN_UNSAID},
		{NULL, 45678, true, NULL, KNOWN_UNSAID},
		{"chronyd", 123, true, "ntp", KNOWN_INSIDE},
		{"mosh-server", 60002, true, "mosh", KNOWN_INSIDE},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct known k = known_listener(str_of(cases[i].process), cases[i].port, cases[i].udp);

		assert_int_equal(k.use, cases[i].use);
		assert_true(str_eq(str_of(k.what), str_of(cases[i].what)));
	}
}

static void test_nets(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct site_network n, wide;

	assert_true(nets_parse(STR("10.1.2.3/8"), &a, &n));
	assert_true(str_is(n.text, "10.0.0.0/8") && nets_has_address(&n, STR("10.255.0.1")));
	assert_false(nets_has_address(&n, STR("11.0.0.1")) || nets_has_address(&n, STR("::a00:1")));
	assert_true(nets_parse(STR("2001:db8::1/33"), &a, &n));
	assert_true(str_is(n.text, "2001:db8::/33") && nets_has_address(&n, STR("2001:db8:7fff::")));
	assert_false(nets_has_address(&n, STR("2001:db8:8000::")));
	assert_true(nets_parse(STR("10.0.0.1/0"), &a, &n) && nets_has_address(&n, STR("255.0.0.1")));
	assert_true(nets_parse(STR("10.0.0.1"), &a, &n) && nets_is_host(&n));
	assert_true(nets_parse(STR("10.0.0.0/24"), &a, &n) && nets_parse(STR("10.0.0.0/8"), &a, &wide));
	assert_true(nets_has(&wide, &n) && nets_has(&n, &n) && !nets_has(&n, &wide));
	for (const char *const *bad = (const char *const[]){"", "10.0.0.1/33", "10.0.0.1/", "x", "::1%lo", NULL};
		 *bad; bad++)
		assert_false(nets_parse(str_of(*bad), &a, &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guesses),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_what_may_be_sshd),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_nets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
