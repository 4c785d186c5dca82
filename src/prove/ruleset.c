/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/ruleset.h"

#include <sys/mman.h>

#include "base/num.h"
#include "change/netns.h"

#define TIMEOUT_MS 10000
#define MAX_PASSES 256

/* The text between quotes, one after the other. */
static bool next_quoted(struct str *rest, struct str *ret)
{
	struct str before;

	return str_cut(rest, '"', &before) && rest->p && str_cut(rest, '"', ret) && rest->p;
}

static bool is_named(struct str pattern, const char *interface)
{
	bool several = str_ends(pattern, "*") || str_ends(pattern, "+");
	size_t n = pattern.n - several;

	return several ? n && strncmp(interface, pattern.p, n) == 0 : str_is(pattern, interface);
}

/* Of a line of iptables: -i eth0, -o eth+, --physdev-in eth0. */
static bool names_in_line(struct str line, const char *interface)
{
	struct str word, before = STR_ABSENT;
	bool found = false;

	while (str_word(&line, &word) && !found) {
		found = (str_is(before, "-i") || str_is(before, "-o") || str_starts(before, "--physdev") ||
				 str_ends(before, "-interface")) &&
				is_named(word, interface);
		before = word;
	}
	return found;
}

bool ruleset_names(const struct ruleset *r, const char *interface)
{
	struct str rest = r->nft, piece, line;

	/* A line of nft has quotes in pairs. */
	while (str_line(&rest, &line))
		while (next_quoted(&line, &piece))
			if (is_named(piece, interface))
				return true;
	for (size_t i = 0; i < ARRAY_LEN(r->legacy); i++)
		for (rest = r->legacy[i]; str_line(&rest, &line);)
			if (names_in_line(line, interface))
				return true;
	return false;
}

/* Is it about the address? A set, a map or a variable may be. */
static bool is_about(struct str word, const struct site_network *address)
{
	struct site_network n;

	if (str_is(word, "type")) /* fib: the same for all that this host has */
		return false;
	return !site_network_parse(word, &n) || site_network_holds(&n, address);
}

/* "ip daddr 192.0.2.1", "ip daddr != 10.0.0.0/8", "-d 192.0.2.1/32", "! -d 10.0.0.0/8". */
static bool tells_in_line(struct str line, const struct site_network *address)
{
	struct str word, before = STR_ABSENT;
	bool found = false;

	while (str_word(&line, &word) && !found) {
		found = (str_is(before, "daddr") || str_is(before, "-d")) && !str_is(word, "!=") &&
				is_about(word, address);
		if (!str_is(word, "!=") || !str_is(before, "daddr"))
			before = word;
	}
	return found;
}

bool ruleset_tells(const struct ruleset *r, const struct site_network *address)
{
	struct str rest = r->nft, line;

	while (str_line(&rest, &line))
		if (tells_in_line(line, address))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(r->legacy); i++)
		for (rest = r->legacy[i]; str_line(&rest, &line);)
			if (tells_in_line(line, address))
				return true;
	return false;
}

/* --- reading ------------------------------------------------------------------------------------------ */

/* Does what iptables has saved hold the table? */
static bool has_saved(struct trial *t, struct str saved, struct str table)
{
	const char *line = arena_printf(t->arena, "*%.*s\n", STR_ARG(table));

	return str_starts(saved, line) || str_has(saved, arena_printf(t->arena, "\n%s", line));
}

/* "table ip filter {": it is iptables-nft's, whose extensions nft prints, but does not read. */
static bool is_of_iptables(struct trial *t, const struct ruleset *r, struct str line)
{
	struct str word, family, name;

	if (!str_word(&line, &word) || !str_word(&line, &family) || !str_word(&line, &name))
		return false;
	return has_saved(t,
					 str_is(family, "ip")    ? r->legacy[0]
					 : str_is(family, "ip6") ? r->legacy[1]
											 : STR(""),
					 name);
}

static bool is_unlimited_log(struct str line)
{
	struct str rest = line, word;
	bool logs = str_has(line, "-j LOG") || str_has(line, "-j NFLOG");

	while (str_word(&rest, &word) && !logs)
		logs = str_is(word, "log");
	return logs && !str_has(line, "limit");
}

/* The next word of a line, between blanks, commas and braces. */
static bool next_token(struct str *rest, struct str *ret)
{
	static const char between[] = " \t,{}";
	size_t n = 0;

	while (rest->n && memchr(between, rest->p[0], sizeof(between) - 1))
		*rest = (struct str){rest->p + 1, rest->n - 1};
	while (n < rest->n && !memchr(between, rest->p[n], sizeof(between) - 1))
		n++;
	*ret = (struct str){rest->p, n};
	*rest = (struct str){rest->p + n, rest->n - n};
	return n > 0;
}

/* "22", "8000-8010", or as iptables has it "8000:8010". */
static void mark_numbers(struct str line, bool ports[PORTS])
{
	struct str token, low;
	uint64_t from, to;

	while (next_token(&line, &token)) {
		(void)str_cut(&token, str_has_char(token, ':') ? ':' : '-', &low);
		if (num_u64(low, 0, PORTS - 1, &from) < 0 ||
			(token.p && num_u64(token, from, PORTS - 1, &to) < 0))
			continue;
		for (uint64_t port = from; port <= (token.p ? to : from); port++)
			ports[port] = true;
	}
}

static bool is_one_address(struct str s, struct site_network *ret)
{
	return site_network_parse(s, ret) && ret->prefix == (ret->family == AF_INET ? 32 : 128);
}

/* "172.17.0.2:80", "[fd00::2]:80", "10.0.0.1-10.0.0.9": the first of them. */
static bool take_address(struct str token, struct site_network *ret)
{
	struct str first = STR_ABSENT, rest = token;

	if (str_skip(&rest, "["))
		return str_cut(&rest, ']', &first) && is_one_address(first, ret);
	if (is_one_address(token, ret))
		return true;
	return str_cut(&rest, str_has_char(token, '-') ? '-' : ':', &first) &&
		   is_one_address(first, ret);
}

/* What a rule says of where it sends packets to, instead of where they came for: "dnat ip to 172.17.0.2:80",
 * "-j DNAT --to-destination 172.17.0.2:80". Absent: it does not, as one of what was sent elsewhere, "ct status
 * dnat". */
static struct str passing_of(struct str line)
{
	static const char *const between[] = {"ip", "ip6", "prefix", "addr", ".", "port"};
	struct str word = STR_ABSENT;
	bool passes = false, more = true;

	while (!passes && str_word(&line, &word))
		passes = str_is(word, "dnat") || str_is(word, "DNAT");
	if (!passes || str_is(word, "DNAT"))
		return passes ? line : STR_ABSENT;
	while (more && str_word(&line, &word)) {
		more = false;
		for (size_t i = 0; i < ARRAY_LEN(between); i++)
			more |= str_is(word, between[i]);
	}
	return str_is(word, "to") ? line : STR_ABSENT;
}

static void note_passing(struct ruleset *r, struct str line, struct str rest, struct arena *a)
{
	bool all = !str_has(line, "dport"), found = false;
	struct site_network to;
	struct str token;

	for (int udp = 0; udp < 2; udp++) {
		if (!str_has(line, udp ? "udp" : "tcp") && str_has(line, udp ? "tcp" : "udp"))
			continue;
		r->passes_on[udp] = true;
		if (all)
			memset(r->passed[udp], 1, sizeof(r->passed[udp]));
		else
			mark_numbers(line, r->passed[udp]);
	}
	while (next_token(&rest, &token) && r->passes_to.n < MAX_PASSES)
		if (take_address(token, &to)) {
			*vec_push(a, &r->passes_to) = to;
			found = true;
		}
	r->passes_nowhere_known |= !found;
}

void ruleset_note(struct ruleset *r, struct str line, struct arena *a)
{
	struct str to = passing_of(line);

	r->unlimited_log |= is_unlimited_log(line);
	mark_numbers(line, r->named);
	if (to.p)
		note_passing(r, line, to, a);
}

static void take_tables(struct trial *t, struct ruleset *r, struct str text)
{
	struct buf kept = BUF(text.n + 1);
	bool leaves_out = false;
	struct str line;

	while (str_line(&text, &line)) {
		if (str_starts(line, "table "))
			leaves_out = is_of_iptables(t, r, line);
		if (!leaves_out)
			ruleset_note(r, line, t->arena);
		/* A table that has an owner goes with the program that loads it. */
		if (leaves_out || str_starts(line, "#") || str_starts(str_trim(line), "flags owner"))
			continue;
		buf_str(&kept, line);
		buf_putc(&kept, '\n');
	}
	r->nft = (struct str){arena_copy(t->arena, kept.n ? kept.p : "", kept.n), kept.n};
	buf_done(&kept);
}

/* What a program prints; nothing where there is no such program. */
static int ask(struct trial *t, const char *program, struct str *ret, struct err *err)
{
	const char *const argv[] = {program, str_ends(str_of(program), "nft") ? "list" : NULL,
								"ruleset", NULL};
	struct exec_result result = {0};
	int r = trial_run(t, argv, -1, TIMEOUT_MS, &result, err);

	*ret = STR("");
	if (r == -ENOENT)
		return r;
	if (r < 0)
		return err_context(err, "%s", program);
	if (result.status)
		return err_set(err, EIO, "%s: exit status %d: %.*s", program, result.status,
					   STR_ARG(result.err));
	*ret = result.out;
	return 0;
}

static bool has_legacy(struct trial *t, const char *names)
{
	struct str text;

	return path_read(t->place.root_fd, names, 4096, t->arena, &text) == 0 && str_trim(text).n;
}

int ruleset_read(struct trial *t, struct ruleset *ret, struct err *err)
{
	static const char *const savers[] = {
		"/usr/sbin/iptables-nft-save", "/usr/sbin/ip6tables-nft-save",
		"/usr/sbin/iptables-legacy-save", "/usr/sbin/ip6tables-legacy-save"};
	static const char *const names[] = {NULL, NULL, "/proc/self/net/ip_tables_names",
										"/proc/self/net/ip6_tables_names"};
	struct str text, line;
	int r = ask(t, "/usr/sbin/nft", &text, err);

	*ret = (struct ruleset){0};
	if (r == -ENOENT)
		return err_set(err, ENOENT, "there is no nft to list it");
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(savers); i++) {
		bool there = !names[i] || has_legacy(t, names[i]);

		ret->legacy[i] = STR("");
		if (there)
			r = ask(t, savers[i], &ret->legacy[i], err);
		/* Without the program there is nothing of nftables that only it could read. */
		if (r == -ENOENT && !names[i])
			r = 0;
		for (struct str rest = ret->legacy[i]; str_line(&rest, &line);)
			ruleset_note(ret, line, t->arena);
	}
	if (r == 0)
		take_tables(t, ret, text);
	return r;
}

/* --- loading ------------------------------------------------------------------------------------------ */

static int load(struct trial *t, const char *const argv[], struct str text, int ns, struct err *err)
{
	_cleanup_close_ int fd = memfd_create("rules", MFD_CLOEXEC);
	struct exec_result result = {0};
	struct exec e;
	int r = fd < 0 ? -errno : fd_write_all(fd, text);

	if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_errno(err, r < 0 ? -r : errno, "no room for the rules");
	e = exec_start_input(argv, fd, netns_enter, &ns);
	r = exec_finish(&e, 1u << 20, MIN(TIMEOUT_MS, trial_ms_left(t)), t->arena, &result, err);
	if (r < 0)
		return err_context(err, "%s", argv[0]);
	return result.status ? err_set(err, EIO, "%s: %.*s", argv[0], STR_ARG(result.err)) : 0;
}

int ruleset_load(struct trial *t, const struct ruleset *r, int ns, struct err *err)
{
	static const char *const restorers[] = {
		"/usr/sbin/iptables-nft-restore", "/usr/sbin/ip6tables-nft-restore",
		"/usr/sbin/iptables-legacy-restore", "/usr/sbin/ip6tables-legacy-restore"};
	const char *const nft[] = {"/usr/sbin/nft", "-f", "-", NULL};
	int status = r->nft.n ? load(t, nft, r->nft, ns, err) : 0;

	for (size_t i = 0; status == 0 && i < ARRAY_LEN(restorers); i++) {
		const char *const argv[] = {restorers[i], NULL};

		if (str_has(r->legacy[i], "*"))
			status = load(t, argv, r->legacy[i], ns, err);
	}
	return status;
}
