/* SPDX-License-Identifier: Apache-2.0 */
/* The site file: what a good one says, and the message that each bad one of tests/site/bad gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/path.h"
#include "host/site_file.h"

static struct str read_file(struct arena *a, const char *path)
{
	_cleanup_buf_ struct buf text = BUF(1u << 20);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fd_read_all(fd, &text), 0);
	return (struct str){arena_copy(a, text.p, text.n), text.n};
}

/* Takes off all lines before one that begins with "== ", and that line's rest. */
static bool next_part(struct str *rest, struct str *part, struct str *title)
{
	struct str line, from;

	while ((from = *rest, str_line(rest, &line)))
		if (str_starts(line, "== ")) {
			part->n = (size_t)(from.p - part->p);
			*title = (struct str){line.p + 3, line.n - 3};
			return true;
		}
	part->n = (size_t)(rest->p - part->p);
	return false;
}

static void assert_refused(struct str title, struct str text, struct str want)
{
	_cleanup_arena_ struct arena a = {0};
	struct err err = {0};
	struct site_file site;

	assert_int_equal(site_file_parse(text, "site.yaml", &a, &site, &err), -EINVAL);
	if (!str_is(str_trim(want), err.msg))
		fail_msg("%.*s:\n%s", STR_ARG(title), err.msg);
}

static void bad_ones(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct str rest = read_file(&a, SOURCE_DIR "/tests/site/bad"), part = rest, title, next;
	size_t n = 0;
	bool more;

	assert_true(next_part(&rest, &part, &title));
	do {
		struct str text = rest, want;

		assert_true(next_part(&rest, &text, &next) && str_is(next, "error"));
		want = rest;
		more = next_part(&rest, &want, &next);
		assert_refused(title, text, want);
		title = next;
		n++;
	} while (more);
	assert_true(n >= 60);
}

static const char good[] = "profile: iot-backend\n"
						   "networks: {office: [203.0.113.0/24], all-of-us: [office, vpn, 198.51.100.9],\n"
						   "  vpn: [10.8.0.0/16, 'fd00:8::/64']}\n"
						   "admins: {users: [ops, dev.one], from: [all-of-us, 10.9.0.1],\n"
						   "  keys: {dev.one: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"
						   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA dev']}}\n"
						   "serves:\n"
						   "  - {port: 443/tcp, to: world, what: https, tls: server}\n"
						   "  - {port: 443/udp, to: world, what: http3}\n"
						   "  - {port: 8883/tcp, to: world, tls: mutual}\n"
						   "  - {port: 60000-61000/udp, to: office}\n"
						   "reaches: [dns, ntp, {port: 443/tcp, to: [198.51.100.7, api.example.org]},\n"
						   "  {port: 443/tcp, to: office}, {port: 5353/udp, to: 224.0.0.251}]\n"
						   "forwards: [{from: wg0, to: eth1, port: 443/tcp}, {from: office, to: world}]\n"
						   "egress: deny\n";

static void a_good_one(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct err err = {0};
	struct site_file s;

	if (site_file_parse(str_of(good), "site.yaml", &a, &s, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(s.networks.n, 3);
	assert_int_equal(s.networks.p[1].peers.networks.n, 4);
	assert_int_equal(s.networks.p[1].peers.networks.p[2].family, AF_INET6);
	assert_int_equal(s.networks.p[1].peers.networks.p[2].prefix, 64);
	assert_true(str_is(s.networks.p[1].peers.networks.p[0].text, "203.0.113.0/24"));
	assert_int_equal(s.admins.users.n, 2);
	assert_int_equal(s.admins.keys.n, 1);
	assert_true(str_is(s.admins.keys.p[0].user, "dev.one"));
	assert_true(str_ends(s.admins.keys.p[0].line, "A dev"));
	assert_int_equal(s.admins.from.networks.n, 5);
	assert_int_equal(s.admins.from.networks.p[4].prefix, 32);
	assert_true(s.has_serves && s.serves.n == 4);
	assert_true(s.serves.p[0].to.world && s.serves.p[0].tls == SITE_TLS_SERVER);
	assert_true(s.serves.p[1].ports.udp && s.serves.p[1].tls == SITE_TLS_UNSAID);
	assert_true(!s.serves.p[2].what.p && s.serves.p[2].tls == SITE_TLS_MUTUAL);
	assert_int_equal(s.serves.p[3].ports.low, 60000);
	assert_int_equal(s.serves.p[3].ports.high, 61000);
	assert_ptr_equal(s.serves.p[3].to.networks.p, s.networks.p[0].peers.networks.p);
	assert_int_equal(s.serves.p[3].at.doc->nodes[s.serves.p[3].at.i].line, 10);
	assert_int_equal(s.reaches.p[1].kind, SITE_REACH_NTP);
	assert_true(str_is(s.reaches.p[2].to.names.p[0], "api.example.org"));
	assert_true(str_is(s.forwards.p[0].to.interface, "eth1") && s.forwards.p[0].has_ports);
	assert_true(s.forwards.p[1].to.peers.world && s.forwards.p[1].from.peers.networks.n == 1);
	assert_int_equal(s.egress, SITE_EGRESS_DENY);
}

static void what_is_not_said(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct err err = {0};
	struct site_file s;

	assert_int_equal(site_file_parse(STR("reaches: []\n"), "site.yaml", &a, &s, &err), 0);
	assert_int_equal(s.egress, SITE_EGRESS_OBSERVE);
	assert_true(s.has_reaches && !s.has_serves && !s.admins.at.doc && !s.egress_at.doc);
	assert_int_equal(site_file_parse(STR("profile: server\n"), "site.yaml", &a, &s, &err), 0);
	assert_int_equal(s.egress, SITE_EGRESS_OPEN);
	assert_int_equal(site_file_parse(STR("# serves: []\n"), "site.yaml", &a, &s, &err), 0);
	assert_false(s.has_serves);
}

/* Lists that hold one another many times over would be larger than any file. */
static void names_do_not_multiply(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf text = BUF(1u << 20);
	struct err err = {0};
	struct site_file s;

	buf_puts(&text, "networks:\n");
	for (unsigned i = 17; i; i--)
		buf_printf(&text, "  n%u: [n%u, 10.1.%u.0/24]\n", i, i - 1, i);
	buf_puts(&text, "  n0: [10.0.0.0/24, 10.0.1.0/24]\n");
	assert_int_equal(site_file_parse(buf_get(&text), "site.yaml", &a, &s, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "more than 16 deep"));
	buf_clear(&text);
	buf_puts(&text, "networks:\n  big: [10.0.0.1");
	for (unsigned i = 0; i < 5000; i++)
		buf_printf(&text, ", 10.1.%u.%u", i / 250, i % 250);
	buf_puts(&text, "]\nserves:\n");
	for (unsigned i = 1; i < 1000; i++)
		buf_printf(&text, "  - {port: %u/tcp, to: big}\n", i);
	assert_int_equal(site_file_parse(buf_get(&text), "site.yaml", &a, &s, &err), 0);
	assert_true(a.used < (16u << 20));
	for (unsigned i = 1000; i < 1100; i++)
		buf_printf(&text, "  - {port: %u/tcp, to: [big, 192.0.2.1]}\n", i);
	assert_int_equal(site_file_parse(buf_get(&text), "site.yaml", &a, &s, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "too many addresses"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_ones),
		cmocka_unit_test(a_good_one),
		cmocka_unit_test(what_is_not_said),
		cmocka_unit_test(names_do_not_multiply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
