/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packet filter that a site file asks for. tests/site/whole.yaml with all that a site may say has
 * to come to tests/site/whole.nft, to the byte; that nft and the kernel take it so is for
 * tests/host/test_site_firewall.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/socket.h>

#include "base/path.h"
#include "host/nft_text.h"
#include "host/site_ruleset.h"

static struct str read_file(struct arena *a, const char *path)
{
	_cleanup_buf_ struct buf text = BUF(1u << 20);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fd_read_all(fd, &text), 0);
	return (struct str){arena_copy(a, text.p, text.n), text.n};
}

/* A host with sshd on its port and nothing else. */
static struct site_facts plain(struct arena *a)
{
	struct site_facts f = {.single_path = true};

	*vec_push(a, &f.ssh_ports) = 22;
	return f;
}

static struct str generate(struct arena *a, struct str text, const struct site_facts *facts)
{
	struct site_file *site = arena_new(a, struct site_file, 1);
	struct str ruleset = STR(""), again = STR("");
	struct err err = {0};

	if (site_file_parse(text, "/etc/revet/site.yaml", a, site, &err) < 0 ||
		site_ruleset(site, facts, a, &ruleset, &err) < 0 ||
		site_ruleset(site, facts, a, &again, &err) < 0)
		fail_msg("%s", err.msg);
	assert_true(str_eq(ruleset, again));
	assert_true(nft_text_is_table(ruleset, STR(SITE_TABLE)));
	return ruleset;
}

static struct str of(struct arena *a, const char *site)
{
	struct site_facts facts = plain(a);

	return generate(a, str_of(site), &facts);
}

static void assert_has(struct str text, const char *line)
{
	if (!str_has(text, line))
		fail_msg("no %s in:\n%.*s", line, (int)text.n, text.p);
}

static void assert_lacks(struct str text, const char *line)
{
	if (str_has(text, line))
		fail_msg("%s in:\n%.*s", line, (int)text.n, text.p);
}

/* --- sets ---------------------------------------------------------------------------------------- */

static void ranges(void **state _unused_)
{
	static const struct {
		const char *networks, *elements;
	} cases[] = {
		{"10.0.0.0/24, 10.0.2.0/24", "10.0.0.0/24, 10.0.2.0/24"},
		{"10.0.2.0/24, 10.0.0.0/24", "10.0.0.0/24, 10.0.2.0/24"},
		{"10.0.0.0/25, 10.0.0.128/25, 10.9.0.1", "10.0.0.0/24, 10.9.0.1"},
		{"10.0.0.0/24, 10.0.1.0/24, 10.0.2.0/24, 9.0.0.1", "9.0.0.1, 10.0.0.0-10.0.2.255"},
		{"10.0.0.0/8, 10.1.2.3, 192.0.2.1", "10.0.0.0/8, 192.0.2.1"},
		{"192.0.2.1, 192.0.2.2, 192.0.2.9", "192.0.2.1-192.0.2.2, 192.0.2.9"},
		{"240.0.0.0/5, 192.0.2.1", "192.0.2.1, 240.0.0.0/5"},
		{"255.255.255.254, 192.0.2.1", "192.0.2.1, 255.255.255.254"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_arena_ struct arena a = {0};
		struct str text =
			of(&a, arena_printf(&a, "admins: {users: [ops], from: [%s]}\n", cases[i].networks));

		assert_has(text, arena_printf(&a, "elements = { %s }\n", cases[i].elements));
	}
}

static void ranges_at_the_ends(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf out = BUF(4096);
	struct nft_ranges six = {.width = 16}, four = {.width = 4}, ports = {.width = 2};
	const unsigned char none[16] = {0}, half[16] = {0x80}, last[16] = {[0 ... 15] = 0xff};

	nft_ranges_add_network(&a, &six, half, 1);
	nft_ranges_add_network(&a, &six, last, 128);
	nft_ranges_join(&six);
	assert_false(nft_ranges_are_all(&six));
	nft_ranges_print(&out, &six);
	assert_string_equal(out.p, "8000::/1");
	nft_ranges_add_network(&a, &six, none, 1);
	nft_ranges_join(&six);
	assert_true(nft_ranges_are_all(&six));
	nft_ranges_add_network(&a, &four, last, 32);
	nft_ranges_add_network(&a, &four, none, 0);
	nft_ranges_join(&four);
	assert_true(nft_ranges_are_all(&four));
	nft_ranges_add_ports(&a, &ports, 65535, 65535);
	nft_ranges_add_ports(&a, &ports, 1, 79);
	nft_ranges_add_ports(&a, &ports, 80, 80);
	nft_ranges_add_ports(&a, &ports, 256, 512);
	nft_ranges_join(&ports);
	buf_clear(&out);
	nft_ranges_print(&out, &ports);
	assert_string_equal(out.p, "1-80, 256-512, 65535");
}

/* Networks that are the same have one set, whatever they are called and however they are written. */
static void sets_are_shared(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct str text =
		of(&a, "networks: {office: [203.0.113.0/24, 198.51.100.7], 'same': [198.51.100.7, "
			   "203.0.113.0/25, 203.0.113.128/25]}\n"
			   "admins: {users: [ops], from: office}\n"
			   "serves:\n"
			   "  - {port: 80/tcp, to: same}\n"
			   "  - {port: 81/tcp, to: [203.0.113.0/24, 198.51.100.7]}\n"
			   "  - {port: 82/tcp, to: [203.0.113.0/24, 198.51.100.8]}\n");
	size_t sets = 0;

	for (const char *p = text.p; (p = strstr(p, "\tset ")); p++)
		sets++;
	assert_int_equal(sets, 2);
	assert_has(text, "ip saddr @net_same_v4 tcp dport 22 accept comment \"site.yaml:2: admins\"\n");
	assert_has(text, "ip saddr @net_same_v4 tcp dport 81 accept comment \"site.yaml:5: 81/tcp\"\n");
	assert_has(text, "ip saddr @serves_6_v4 tcp dport 82 accept");
}

/* Lines of the site that stand on one line of the file do not share what is not the same. */
static void sets_of_one_line(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct str text =
		of(&a, "serves: [{port: 80/tcp, to: [10.0.0.1, 10.0.0.3]}, {port: 81/tcp, to: "
			   "[10.0.0.5, 10.0.0.7]}, {port: 82/tcp, to: [10.0.0.1, 10.0.0.3]}]\n");

	assert_has(text, "ip saddr @serves_1_v4 tcp dport 80 accept");
	assert_has(text, "ip saddr @serves_1_v4_2 tcp dport 81 accept");
	assert_has(text, "ip saddr @serves_1_v4 tcp dport 82 accept");
	assert_has(text, "elements = { 10.0.0.1, 10.0.0.3 }\n");
	assert_has(text, "elements = { 10.0.0.5, 10.0.0.7 }\n");
}

/* --- who comes in -------------------------------------------------------------------------------- */

static void ssh(void **state _unused_)
{
	static const char anywhere[] = "\t\ttcp dport 22 accept", limit[] = "update @ssh_v4";
	_cleanup_arena_ struct arena a = {0};
	struct site_facts none = {0};
	struct str text = of(&a, "serves: [{port: 443/tcp, to: world}]\n");

	assert_has(text, anywhere);
	assert_has(text, limit);
	text = of(&a, "admins: {users: [ops]}\n");
	assert_has(text, "\t\ttcp dport 22 accept comment \"site.yaml:1: admins, from anywhere\"\n");
	text = of(&a, "admins: {users: [ops], from: 192.0.2.1}\n");
	assert_has(text,
			   "\t\tip saddr 192.0.2.1 tcp dport 22 accept comment \"site.yaml:1: admins\"\n");
	assert_true(str_is(site_ruleset_admins(text), "site.yaml:1: admins"));
	assert_lacks(text, anywhere);
	assert_lacks(text, limit);
	text = of(&a, "admins: {users: [ops], from: 192.0.2.1}\nserves: [{port: 22/tcp, to: "
				  "[10.0.0.0/8], what: git}]\n");
	assert_has(text, "ip saddr 10.0.0.0/8 tcp dport 22 accept comment \"site.yaml:2: git\"\n");
	assert_has(text, limit);
	assert_true(strstr(text.p, "site.yaml:1: admins") < strstr(text.p, limit));
	assert_lacks(text, anywhere);
	/* Where a line says whom sshd is for, nobody else comes in because no admins are named. */
	text = of(&a, "serves: [{port: 20-30/tcp, to: [10.0.0.0/8]}]\n");
	assert_lacks(text, anywhere);
	assert_null(site_ruleset_admins(text).p);
	assert_lacks(generate(&a, STR("serves: []\n"), &none), "dport 22 ");
}

static void many_lines(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf site = BUF(1u << 20);
	struct str text;

	buf_puts(&site, "serves:\n");
	for (unsigned i = 0; i < 20; i++)
		buf_printf(&site, "  - {port: %u/tcp, to: world}\n", 1000 + 2 * i);
	for (unsigned i = 0; i < 8; i++)
		buf_printf(&site, "  - {port: %u/udp, to: world}\n", 1000 + i);
	text = of(&a, site.p);
	assert_has(
		text,
		"tcp dport @ports_2 accept comment \"site.yaml:2: to line 21: 20 ports or ranges\"\n");
	assert_has(text, "elements = { 1000, 1002, 1004,");
	assert_has(text, "udp dport 1007 accept comment \"site.yaml:29: 1007/udp to world\"\n");
	assert_lacks(text, "tcp dport 1000 ");
}

/* --- all of it ----------------------------------------------------------------------------------- */

static void whole(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct str site = read_file(&a, SOURCE_DIR "/tests/site/whole.yaml"), got, want;
	struct site_facts f = {.dhcp = true};

	*vec_push(&a, &f.ssh_ports) = 2222;
	*vec_push(&a, &f.ssh_ports) = 22;
	*vec_push(&a, &f.bridges) = STR("docker0");
	*vec_push(&a, &f.bridges) = STR("podman*");
	*vec_push(&a, &f.served) = STR("podman*");
	*vec_push(&a, &f.resolvers.hosts) = STR("192.0.2.53");
	*vec_push(&a, &f.resolvers.hosts) = STR("2001:db8::53");
	*vec_push(&a, &f.mirrors.hosts) = STR("Deb.Debian.Org");
	f.clocks.anywhere = true;
	got = generate(&a, site, &f);
	want = read_file(&a, SOURCE_DIR "/tests/site/whole.nft");
	if (!str_eq(got, str_trim(want))) {
		fprintf(stderr, "%.*s\n", (int)got.n, got.p);
		fail_msg("tests/site/whole.nft differs from that");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges),     cmocka_unit_test(ranges_at_the_ends),
		cmocka_unit_test(ssh),        cmocka_unit_test(sets_are_shared),
		cmocka_unit_test(many_lines), cmocka_unit_test(sets_of_one_line),
		cmocka_unit_test(whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
