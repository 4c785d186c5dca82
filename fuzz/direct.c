/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets for parsers whose input is no file of a case: binary formats, revet's own formats, and
 * small functions that are worth being called directly.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/num.h"
#include "base/regex.h"
#include "change/journal.h"
#include "change/ssh_hello.h"
#include "fuzz.h"
#include "host/acl.h"
#include "host/address.h"
#include "host/apk.h"
#include "host/apt_conf.h"
#include "host/capability.h"
#include "host/crypt_id.h"
#include "host/dpkg.h"
#include "host/elf.h"
#include "host/luks_header.h"
#include "host/nft_text.h"
#include "host/openpgp.h"
#include "host/package_edit.h"
#include "host/pem.h"
#include "host/recording.h"
#include "host/rpmdb.h"
#include "host/site_file.h"
#include "host/ssh_key.h"
#include "host/sshd_config.h"
#include "host/tar.h"
#include "host/unpack.h"
#include "host/value.h"
#include "host/x509.h"
#include "report/earlier.h"
#include "rule/cases.h"
#include "site/compare.h"
#include "site/nets.h"
#include "site/text.h"

#define MAX_TEXT ((size_t)16 << 20)

static struct str first_line(struct str *rest)
{
	struct str line = STR("");

	if (!str_cut(rest, '\n', &line) || !rest->p)
		*rest = STR("");
	return line;
}

/* --- base -------------------------------------------------------------------------------- */

static void run_num(const struct target *t _unused_, struct str s)
{
	uint64_t u = 7;
	int64_t i = 7;
	unsigned port = 7;

	check(num_u64(s, 3, 70000, &u) == 0 ? u >= 3 && u <= 70000 : u == 7);
	check(num_i64(s, -3, 70000, &i) == 0 ? i >= -3 && i <= 70000 : i == 7);
	check(num_port(s, &port) == 0 ? port <= 65535 : port == 7);
	port = 7;
	check(num_mode(s, &port) == 0 ? port <= 07777 : port == 7);
	u = 7;
	check(num_hex(s, 0xffff, &u) == 0 ? u <= 0xffff : u == 7);
	i = 7;
	check(num_size(s, &i) == 0 ? i >= 0 : i == 7);
	i = 7;
	check(num_duration(s, &i) == 0 ? i >= 0 : i == 7);
	i = 7;
	check(num_time(s, &i) == 0 || i == 7);
}

static void run_str(const struct target *t _unused_, struct str s)
{
	_cleanup_arena_ struct arena a = {0};
	const char *pattern = str_dup(&a, first_line(&s));
	struct str rest = s, piece;
	struct nearest near;
	size_t n = 0;

	while (str_cut(&rest, ':', &piece))
		n += piece.n + 1;
	check(n == s.n + 1);
	rest = s;
	while (rest.n) {
		size_t u = str_utf8(rest);

		check(u <= 4 && u <= rest.n);
		rest.p += u ? u : 1;
		rest.n -= u ? u : 1;
	}
	(void)str_glob(pattern, s);
	check(str_glob("*", s));
	near = nearest_to(str_of(pattern));
	nearest_try(&near, "PermitRootLogin");
	(void)address_scope(s);
}

static void run_regex(const struct target *t _unused_, struct str s)
{
	_cleanup_arena_ struct arena a = {0};
	struct str pattern = first_line(&s);
	struct regex *regex;
	struct err err;

	if (regex_compile(&a, pattern, &regex, &err) == 0)
		(void)regex_match(regex, s);
}

static void walk_yaml(struct yaml_at at, unsigned depth)
{
	struct yaml_iter it = yaml_iter(at);
	uint32_t n = 0;

	check(depth <= 40);
	while (yaml_next(&it)) {
		walk_yaml(it.value, depth + 1);
		n++;
	}
	check(n == yaml_len(at));
}

static void run_yaml(const struct target *t _unused_, struct str s)
{
	_cleanup_arena_ struct arena a = {0};
	struct yaml doc;
	struct err err;

	bool strict = yaml_parse(s, "input", &a, &doc, &err) == 0;

	if (strict)
		walk_yaml(YAML_ROOT(&doc), 0);
	if (yaml_parse_aliases(s, "input", &a, &doc, &err) == 0)
		walk_yaml(YAML_ROOT(&doc), 0);
}

/* What was read is bounded, and every place in it is one of the file. */
static void check_peers(const struct site_file *site, struct site_peers *peers, bool named)
{
	check(!peers->at.doc || peers->at.doc == &site->doc);
	check(!peers->world || (!peers->networks.n && !peers->names.n));
	check(named || !peers->names.n);
	for (size_t i = 0; i < peers->networks.n; i++) {
		const struct site_network *net = &peers->networks.p[i];

		check(net->prefix >= 1 && net->prefix <= (net->family == AF_INET ? 32 : 128));
		check(net->at.doc == &site->doc && net->text.n);
	}
}

static void run_site(const struct target *t _unused_, struct str s)
{
	_cleanup_arena_ struct arena a = {0};
	struct site_file site;
	struct err err = {0};

	if (site_file_parse(s, "site", &a, &site, &err) < 0) {
		check(err.errnum && strncmp(err.msg, "site:", 5) == 0);
		return;
	}
	check_peers(&site, &site.admins.from, false);
	vec_each(&site.networks, n) check_peers(&site, &n->peers, false);
	vec_each(&site.serves, service) {
		check(service->ports.low >= 1 && service->ports.low <= service->ports.high);
		check(service->to.world || service->to.networks.n);
		check_peers(&site, &service->to, false);
	}
	vec_each(&site.reaches, reach) check_peers(&site, &reach->to, true);
	vec_each(&site.forwards, f) {
		check(f->from.interface.n || f->from.peers.world || f->from.peers.networks.n);
		check(f->to.interface.n || f->to.peers.world || f->to.peers.networks.n);
	}
}

/* --- values and snapshots ---------------------------------------------------------------- */

/* The first line names the type. What was read prints, and is then read as the same. */
static void run_value(const struct target *t _unused_, struct str s)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf text = BUF(MAX_TEXT), json = BUF(MAX_TEXT);
	struct str name = first_line(&s);
	enum type type = TYPE_BOOL;
	struct value v = {0}, again = {0};
	struct jsonw j;
	struct err err;

	while (type < TYPE_LIST && !str_is(name, type_name(type)))
		type++;
	if (value_parse(type, s, &a, &v, &err) < 0)
		return;
	value_print(&text, type, &v);
	jsonw_begin(&j, &json, false);
	value_json(&j, type, &v);
	if (type == TYPE_STRING || type == TYPE_LIST || type == TYPE_DURATION)
		return;
	check(value_parse(type, buf_get(&text), &a, &again, &err) == 0);
	check(again.number == v.number);
}

static void run_snapshot(const struct target *t _unused_, struct str s)
{
	_cleanup_snapshot_ struct snapshot *snapshot = snapshot_new();
	struct err err;

	if (snapshot_parse(snapshot, s, "input", &err) == 0)
		check_snapshot(snapshot);
}

/* A site file of whatever a snapshot holds loads, says what was seen and no more, admits the session,
 * and is what is seen. */
static void run_init(const struct target *t _unused_, struct str s)
{
	static const struct seen_session session = {.peer = {"203.0.113.7", 11}, .by_ssh = true};
	_cleanup_snapshot_ struct snapshot *snapshot = snapshot_new();
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf text = BUF(1u << 20);
	size_t users = 0, services = 0, reaches = 0;
	struct comparison comparison;
	struct site_file site;
	struct seen seen;
	struct err err;

	if (snapshot_parse(snapshot, s, "input", &err) < 0)
		return;
	seen_make(snapshot, s.n % 2 ? &session : NULL, &a, &seen);
	check(site_text_loads(&seen, 1767225600, &a, &text, &site, &err) == 0);
	for (size_t i = 0; i < text.n; i++)
		check(text.p[i] == '\n' || (text.p[i] >= ' ' && text.p[i] <= '~'));
	check(!seen.peer.p || nets_admit(&site.admins.from, seen.peer));
	vec_each(&seen.admins, admin) users += !admin->left;
	vec_each(&seen.services, service) services += seen.listeners_known && !service->question;
	vec_each(&seen.reaches, reach) reaches += !reach->left;
	check(site.admins.users.n == users && site.serves.n == services && site.reaches.n == reaches);
	check(site.networks.n == seen.networks.n && !site.waivers.n && !site.forwards.n);
	check(!site.parameters.doc && str_is(site.profile, seen.profile));
	site_compare(&seen, &site, buf_get(&text), &a, &comparison);
	check(!comparison.all.n);
}

static void run_recording(const struct target *t _unused_, struct str s)
{
	_cleanup_arena_ struct arena a = {0};
	struct err err = {0};
	_cleanup_host_ struct host *host = host_open_recording(s, ENODATA, &err);
	struct host_dir dir;
	struct path_stat st;
	struct str data;

	if (!host)
		return;
	(void)host_read(host, "/etc/passwd", &a, &data, &err);
	(void)host_list(host, "/etc", &a, &dir, &err);
	(void)host_stat(host, "/etc/shadow", false, &st, &err);
	(void)host_readlink(host, "/bin", &a, &data, &err);
}

static void run_earlier(const struct target *t _unused_, struct str s)
{
	_cleanup_arena_ struct arena a = {0};
	struct earlier earlier;
	struct err err;

	(void)earlier_parse(&earlier, s, "input", &a, &err);
}

/* --- rules ------------------------------------------------------------------------------- */

static void load_workloads(struct catalogue *c)
{
	struct err err;

	for (size_t i = 0; i < embedded_count; i++) {
		const struct embedded *e = &embedded_rules[i];
		struct yaml *doc = arena_new(&c->arena, struct yaml, 1);

		if (strcmp(e->path, "workloads.yaml") != 0)
			continue;
		*doc = (struct yaml){e->path, embedded_nodes + e->first_node, embedded_pool, e->n_nodes, 0};
		check(language_load_workloads(&c->language, doc, &err) == 0);
	}
}

static void catalogue_begin(struct catalogue *c)
{
	*c = (struct catalogue){0};
	c->language.arena = c->language.params.arena = &c->arena;
	map_init(&c->files, &c->arena);
	map_init(&c->language.workloads, &c->arena);
	map_init(&c->language.params.by_name, &c->arena);
	load_workloads(c);
}

struct loading {
	const struct params *params;
	int status;
};

static void check_params(void *data, const struct sentence *s)
{
	struct loading *l = data;
	struct err err;

	if (l->status == 0 && s->expect)
		l->status = expect_check_params(s->expect, l->params, &err);
	for (size_t i = 0; l->status == 0 && i < s->n_where; i++)
		l->status = expect_check_params(s->where[i].expect, l->params, &err);
	for (size_t i = 0; l->status == 0 && i < s->n_want; i++)
		l->status = expect_check_params(s->want[i].expect, l->params, &err);
}

/* A rule that catalogue_load() would take can be judged of a host of which nothing is known, and
 * its cases run. */
static void judge_rule(const struct catalogue *c, const struct rule *rule)
{
	_cleanup_snapshot_ struct snapshot *empty = snapshot_new();
	_cleanup_arena_ struct arena a = {0};
	struct loading loading = {&c->language.params, 0};
	struct judgement got;
	struct err err;
	size_t n;

	sentence_each(rule->when, check_params, &loading);
	sentence_each(rule->unless, check_params, &loading);
	sentence_each(rule->want, check_params, &loading);
	sentence_each(rule->remedy, check_params, &loading);
	sentence_each(rule->not_while, check_params, &loading);
	if (loading.status < 0)
		return;
	judge_wants(rule, &c->language.params, empty);
	judge(rule, empty, &c->language.params, &a, &got);
	check(got.verdict != VERDICT_PASS);
	check(got.verdict != VERDICT_UNKNOWN || got.reason);
	(void)cases_run(c, rule, &n, &err);
}

static void run_rules(const struct target *t _unused_, struct str s)
{
	struct catalogue c;
	struct yaml doc;
	struct err err;

	catalogue_begin(&c);
	if (yaml_parse(s, "input", &c.arena, &doc, &err) == 0 &&
		catalogue_add(&c, &doc, "family.rule", &err) == 0) {
		check(c.n == 1);
		judge_rule(&c, &c.p[0]);
	}
	catalogue_done(&c);
}

/* --- changes ----------------------------------------------------------------------------- */

/* What a person and a shell are shown of it, and each rule taken back. */
static void use_plan(const struct plan *p)
{
	static const struct place place = {"/", -1, true};
	_cleanup_buf_ struct buf text = BUF(MAX_TEXT), script = BUF(MAX_TEXT);
	struct plan without;
	struct err err;

	plan_print(p, &text);
	plan_print_left(p, true, &text);
	for (size_t i = 0; i < p->steps.n; i++)
		if (p->steps.p[i].type->undo_sh)
			p->steps.p[i].type->undo_sh(&script, &p->steps.p[i]);
	for (size_t i = 0; i < p->rules.n && i < 4; i++)
		(void)plan_without(p, p->rules.p[i].id, &place, 0, &without, &err);
}

/* As it might be handed to somebody: with a hash that is right. */
static void run_plan(const struct target *t _unused_, struct str s)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf once = BUF(MAX_TEXT), twice = BUF(MAX_TEXT);
	char *text = str_dup(&a, s);
	struct plan plan, again;
	struct err err;

	(void)plan_seal(text, s.n);
	if (plan_parse(&plan, (struct str){text, s.n}, "input", &a, &err) < 0)
		return;
	use_plan(&plan);
	check(plan_write(&plan, &once) == 0);
	check(plan_parse(&again, buf_get(&once), "again", &a, &err) == 0);
	check(plan_write(&again, &twice) == 0 && str_eq(buf_get(&once), buf_get(&twice)));
}

static void run_journal(const struct target *t _unused_, struct str s)
{
	_cleanup_arena_ struct arena a = {0};
	struct change c = {.arena = &a, .plan.arena = &a};

	for (int i = 0; i < 3; i++)
		*vec_push(&a, &c.plan.steps) = (struct step){.target = "thing"};
	journal_parse(&c, s);
	check(change_status_name(c.status));
	check(c.torn == (s.n && s.p[s.n - 1] != '\n'));
	for (size_t i = 0; i < c.plan.steps.n; i++)
		check(c.marks[i] <= MARK_REVERTED);
}

/* --- formats of the host ----------------------------------------------------------------- */

static void run_sshd_lines(const struct target *t _unused_, struct str s)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf out = BUF(MAX_TEXT);
	struct sshd_file file;
	struct str value;

	sshd_file_parse(&a, "sshd_config", s, &file);
	for (size_t i = 0; i < file.n; i++)
		if (file.lines[i].keyword && !file.lines[i].bad)
			(void)sshd_line_value(&a, &file.lines[i], &value);
	check(sshd_file_dump(&file, &out) == 0);
	check(str_eq(buf_get(&out), s) || s.n + out.n == 0);
}

static size_t lines_of(struct str s)
{
	struct str line;
	size_t n = 0;

	while (str_line(&s, &line))
		n++;
	return n;
}

/* Scrubbing keeps the lines, and does nothing to what was scrubbed. */
static void run_scrub(const struct target *t _unused_, struct str s)
{
	void (*const scrubbers[])(struct str, struct buf *) = {crypt_scrub_passwd, crypt_scrub_shadow};

	for (size_t i = 0; i < ARRAY_LEN(scrubbers); i++) {
		_cleanup_buf_ struct buf once = BUF(MAX_TEXT), twice = BUF(MAX_TEXT);

		scrubbers[i](s, &once);
		scrubbers[i](buf_get(&once), &twice);
		check(buf_get(&once).n == twice.n);
		check(!twice.n || memcmp(once.p, twice.p, twice.n) == 0);
		check(lines_of(buf_get(&once)) == lines_of(s));
	}
	(void)crypt_parse(s);
}

/* Of what was scrubbed nothing more goes, and what is left of it can be read. */
static void run_pem(const struct target *t _unused_, struct str s)
{
	_cleanup_buf_ struct buf once = BUF(MAX_TEXT), twice = BUF(MAX_TEXT);
	_cleanup_arena_ struct arena a = {0};
	struct x509_facts facts;
	struct pem_item item;
	struct str rest;
	size_t n = 0;

	pem_scrub(s, &once);
	pem_scrub(buf_get(&once), &twice);
	check(buf_get(&once).n == twice.n);
	check(!twice.n || memcmp(once.p, twice.p, twice.n) == 0);
	rest = once.n ? buf_get(&once) : STR("");
	for (; pem_next(&a, &rest, &item); n++)
		if (!item.is_key)
			(void)x509_read(&a, pem_der(&a, &item), &facts);
	check(n <= s.n);
}

/* What a server offers lies within what it sent. */
static void run_ssh_hello(const struct target *t _unused_, struct str s)
{
	struct ssh_hello h = {0};
	const struct str *lists[] = {&h.kex, &h.host_keys, &h.ciphers, &h.macs};

	if (!ssh_hello_parse(s, &h))
		return;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		check(lists[i]->p >= s.p + 4 && lists[i]->p + lists[i]->n <= s.p + s.n);
}

/* Elements go; the rest is copied, and has no more to lose. */
static void run_nft_text(const struct target *t _unused_, struct str s)
{
	_cleanup_buf_ struct buf once = BUF(65536), twice = BUF(65536);

	(void)nft_text_is_table(s, STR("inet a"));
	check(nft_text_without_elements(s, &once) == 0 && once.n <= s.n);
	check(nft_text_without_elements(buf_get(&once), &twice) == 0);
	check(once.n == twice.n && (!once.n || memcmp(once.p, twice.p, once.n) == 0));
}

/* A list in the kernel's form that can be printed says the same when it is parsed. */
static void run_acl(const struct target *t _unused_, struct str s)
{
	_cleanup_buf_ struct buf text = BUF(65536), again = BUF(65536);
	unsigned char value[ACL_MAX];
	size_t n;

	if (acl_print(s.p, s.n, &text) < 0 || !text.n)
		return;
	check(acl_mode(buf_get(&text)) <= 0777);
	if (acl_parse(buf_get(&text), value, &n) < 0) /* a name that is the number for none */
		return;
	check(n == s.n && acl_print(value, n, &again) == 0);
	check(text.n == again.n && memcmp(text.p, again.p, text.n) == 0);
}

static void run_ssh_key(const struct target *t _unused_, struct str s)
{
	_cleanup_arena_ struct arena a = {0};
	struct ssh_key_line line;
	struct str option;

	if (!ssh_key_line_parse(&a, s, &line))
		return;
	check(line.key.type && line.key.fingerprint);
	while (ssh_key_option(&line.options, &option))
		check(option.n <= s.n);
}

static void run_openpgp(const struct target *t _unused_, struct str s)
{
	_cleanup_arena_ struct arena a = {0};
	struct openpgp_key *keys = NULL;
	size_t n = 0;
	struct err err;

	if (openpgp_keys(s, &a, &keys, &n, &err) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		check(strlen(keys[i].id) <= 16 && keys[i].algorithm);
}

static void run_luks_header(const struct target *t _unused_, struct str s)
{
	_cleanup_arena_ struct arena a = {0};
	struct luks_header h;
	struct err err;

	if (luks_header_read(&a, s, &h, &err) < 0)
		return;
	check(luks_header_size(s) && (h.version == 1 || h.version == 2) && h.ciphers.n);
	vec_each(&h.slots, slot)
		check(slot->number <= 1000 && slot->iterations >= 0 && slot->memory >= 0 && slot->kdf.p);
}

static void run_rpm_header(const struct target *t _unused_, struct str s)
{
	static const enum rpm_tag tags[] = {RPM_NAME, RPM_VERSION, RPM_EPOCH, RPM_SIZE, RPM_DIR_INDEXES,
										RPM_BASE_NAMES, RPM_DIR_NAMES, RPM_LONG_SIZE};
	struct rpm_header h;

	if (rpm_header_parse(s, &h) < 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		struct rpm_numbers numbers = rpm_numbers(&h, tags[i]);
		struct str rest = rpm_string(&h, tags[i]), piece;
		uint64_t sum = rest.n ? (unsigned char)rest.p[rest.n - 1] : 0, number;
		uint32_t n = rpm_strings(&h, tags[i], &rest);

		for (uint32_t k = 0; rpm_number(&numbers, k, &number); k++)
			sum += number;
		for (; n && str_cut(&rest, '\0', &piece); n--)
			sum += piece.n ? (unsigned char)piece.p[0] : 0;
		check(sum != 1 || n < UINT32_MAX);
	}
}

/* The order is one: antisymmetric, and everything is equal to itself. */
static void run_dpkg_version(const struct target *t _unused_, struct str s)
{
	struct str a = first_line(&s);
	int forth = dpkg_version_cmp(a, s), back = dpkg_version_cmp(s, a);

	check((forth < 0) == (back > 0) && (forth == 0) == (back == 0));
	check(dpkg_version_cmp(a, a) == 0);
}

static void run_capability(const struct target *t _unused_, struct str s)
{
	_cleanup_buf_ struct buf text = BUF(MAX_TEXT);
	struct file_caps caps;

	if (capability_parse(s, &caps))
		capability_print(&text, &caps);
}

static void run_apt_conf(const struct target *t _unused_, struct str s)
{
	_cleanup_arena_ struct arena a = {0};
	struct apt_conf conf = {0};

	apt_conf_parse(&a, s, "apt.conf", &conf);
	for (size_t i = 0; i < conf.n; i++)
		check(conf.p[i].name.p && conf.p[i].line);
	(void)apt_conf_last(&conf, "APT::Periodic::Unattended-Upgrade");
}

/* The first line is the name of the file. */
static void run_unpack(const struct target *t _unused_, struct str s)
{
	_cleanup_arena_ struct arena a = {0};
	const char *name = str_dup(&a, first_line(&s));
	int fd = memfd_create("input", MFD_CLOEXEC);
	struct unpack *u = NULL;
	char piece[4096];
	size_t total = 0;
	ssize_t n = 1;
	struct err err;

	check(fd >= 0 && write(fd, s.p, s.n) == (ssize_t)s.n && lseek(fd, 0, SEEK_SET) == 0);
	if (unpack_open(fd, name, &u, &err) < 0)
		return;
	while (n > 0 && total < (4 << 20)) {
		n = unpack_read(u, piece, sizeof(piece));
		check(n <= (ssize_t)sizeof(piece));
		total += n > 0 ? (size_t)n : 0;
	}
	unpack_free(u);
}

static void run_elf(const struct target *t _unused_, struct str s)
{
	_cleanup_arena_ struct arena a = {0};
	int fd = memfd_create("input", MFD_CLOEXEC);
	struct elf e;
	struct err err;

	check(fd >= 0 && write(fd, s.p, s.n) == (ssize_t)s.n);
	if (elf_read(fd, &a, &e, &err) == 0) {
		check(e.library_path.n < ELF_MAX_LIBRARY_PATH);
		check(!memchr(e.library_path.p ? e.library_path.p : "", 0, e.library_path.n));
		check(!e.linked || e.relro != ELF_RELRO_STATIC);
	}
	close(fd);
}

/* A tar that is not compressed. */
static void run_tar(const struct target *t _unused_, struct str s)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	struct unpack *u = NULL;
	struct tar_entry entry;
	struct tar tar = {0};
	size_t entries = 0;
	char piece[512];
	struct err err;

	check(fd >= 0 && write(fd, s.p, s.n) == (ssize_t)s.n && lseek(fd, 0, SEEK_SET) == 0);
	check(unpack_open(fd, "db", &u, &err) == 0);
	tar.from = u;
	while (tar_next(&tar, &entry) > 0) {
		check(strlen(entry.name) < sizeof(entry.name) && ++entries <= s.n / 512);
		if (entry.size && tar_read(&tar, piece, (size_t)MIN(entry.size, sizeof(piece))) < 0)
			break;
	}
	check(tar.total <= s.n);
	unpack_free(u);
}

static int check_path(struct str path, bool is_dir _unused_, void *data)
{
	size_t *n = data;

	check(path.n > 1 && path.n < 4096 && path.p[0] == '/' && !memchr(path.p, '\n', path.n));
	++*n;
	return 0;
}

static void run_apk(const struct target *t _unused_, struct str s)
{
	struct str text = s, package, value, name, more;
	size_t packages = 0, paths = 0;
	char field;
	bool not;

	while (apk_next(&text, &package)) {
		check(package.n && package.p >= s.p && package.p + package.n <= s.p + s.n);
		check(++packages <= s.n && apk_each_path(package, check_path, &paths) == 0);
		while (apk_field(&package, &field, &value))
			while (apk_dependency(&value, &name, &more, &not))
				check(!memchr(name.n ? name.p : "", '<', name.n) && (!more.p || more.n));
	}
	check(paths <= s.n);
}

/* The first line is /etc/apk/world, the first package the one to be removed. */
static void run_apk_world(const struct target *t _unused_, struct str s)
{
	_cleanup_arena_ struct arena a = {0};
	struct edits edits = {.arena = &a};
	struct str world = first_line(&s), text = s, package;
	const char *name;
	struct err err;

	if (!apk_next(&text, &package) || !apk_value(package, 'P').n)
		return;
	name = str_dup(&a, apk_value(package, 'P'));
	if (package_remove_apk_of(s, world, name, &edits, &err) < 0)
		return;
	check(edits.n && str_is(edits.p[0].name, name));
	for (size_t i = 0; i < edits.n; i++)
		check(!edits.p[i].value.p && edits.p[i].name.n);
}

const struct target direct_targets[] = {
	{.name = "num", .max = 64, .run = run_num},
	{.name = "str", .max = 4096, .run = run_str},
	{.name = "regex", .max = 1024, .run = run_regex},
	{.name = "yaml", .max = 16384, .run = run_yaml},
	{.name = "site", .max = 16384, .run = run_site},
	{.name = "value", .max = 256, .run = run_value},
	{.name = "snapshot", .max = 16384, .run = run_snapshot},
	{.name = "init", .max = 16384, .run = run_init},
	{.name = "recording", .max = 16384, .run = run_recording},
	{.name = "earlier", .max = 16384, .run = run_earlier},
	{.name = "rules", .max = 8192, .run = run_rules},
	{.name = "plan", .max = 16384, .run = run_plan},
	{.name = "journal", .max = 4096, .run = run_journal},
	{.name = "sshd_lines", .max = 8192, .run = run_sshd_lines},
	{.name = "scrub", .max = 4096, .run = run_scrub},
	{.name = "nft_text", .max = 8192, .run = run_nft_text},
	{.name = "acl", .max = 1024, .run = run_acl},
	{.name = "ssh_key", .max = 8192, .run = run_ssh_key},
	{.name = "pem", .max = 8192, .run = run_pem},
	{.name = "ssh_hello", .max = 35000, .run = run_ssh_hello},
	{.name = "openpgp", .max = 16384, .run = run_openpgp},
	{.name = "luks_header", .max = 20000, .run = run_luks_header},
	{.name = "elf", .max = 8192, .run = run_elf},
	{.name = "rpm_header", .max = 8192, .run = run_rpm_header},
	{.name = "dpkg_version", .max = 256, .run = run_dpkg_version},
	{.name = "capability", .max = 128, .run = run_capability},
	{.name = "apt_conf", .max = 8192, .run = run_apt_conf},
	{.name = "unpack", .max = 16384, .run = run_unpack},
	{.name = "tar", .max = 8192, .run = run_tar},
	{.name = "apk", .max = 4096, .run = run_apk},
	{.name = "apk_world", .max = 8192, .run = run_apk_world},
	{.name = NULL},
};
