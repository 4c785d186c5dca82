/* SPDX-License-Identifier: Apache-2.0 */
#include "site/text.h"

#include "host/value.h"
#include "site/nets.h"

#define COLUMNS 100
#define MAX_SERVICES 1000 /* more than a server has use for */

/* --- comments ---------------------------------------------------------------------------------- */

/* YAML ends a line, and so a comment, at more characters than most know of: ASCII has two of them. */
static void put_ascii(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= ' ' && c < 0x7f)
			buf_putc(out, (char)c);
		else
			buf_printf(out, "\\x%02x", c);
	}
}

/* Lines of "# ", as wide as a terminal. */
static void put_comment(struct buf *out, const char *indent, const char *text)
{
	_cleanup_buf_ struct buf clean = BUF(65536);
	size_t width = 0;
	struct str rest, word;

	put_ascii(&clean, str_of(text));
	rest = buf_get(&clean);
	while (str_word(&rest, &word)) {
		bool first = !width;

		if (width && width + 1 + word.n > COLUMNS) {
			buf_putc(out, '\n');
			first = true;
		}
		if (first) {
			buf_printf(out, "%s#", indent);
			width = strlen(indent) + 1;
		}
		buf_putc(out, ' ');
		buf_str(out, word);
		width += 1 + word.n;
	}
	if (width)
		buf_putc(out, '\n');
}

/* --- values ------------------------------------------------------------------------------------ */

/* A word of letters, digits, dots, dashes, colons and slashes, which is all that gets here. */
static void put_word(struct buf *out, struct str s)
{
	bool plain = s.n && ((s.p[0] >= 'a' && s.p[0] <= 'z') || (s.p[0] >= '1' && s.p[0] <= '9')) &&
				 !str_is(s, "null");

	for (size_t i = 0; i < s.n; i++)
		plain = plain && s.p[i] != ':';
	buf_printf(out, plain ? "%.*s" : "'%.*s'", STR_ARG(s));
}

void site_text_to(struct buf *out, const struct seen_to *to)
{
	if (to->world)
		buf_puts(out, "world");
	else if (to->words.n == 1)
		put_word(out, to->words.p[0]);
	else if (!to->words.n)
		buf_puts(out, "[...]");
	for (size_t i = 0; !to->world && to->words.n > 1 && i < to->words.n; i++) {
		buf_puts(out, i ? ", " : "[");
		put_word(out, to->words.p[i]);
		if (i + 1 == to->words.n)
			buf_putc(out, ']');
	}
}

static void put_ports(struct buf *out, struct site_ports ports)
{
	buf_printf(out, "%u", ports.low);
	if (ports.high != ports.low)
		buf_printf(out, "-%u", ports.high);
	buf_puts(out, ports.udp ? "/udp" : "/tcp");
}

void site_text_service(struct buf *out, const struct seen_service *service)
{
	static const char *const words[] = {NULL, "none", "server", "mutual"};

	buf_puts(out, "{port: ");
	put_ports(out, service->ports);
	buf_puts(out, ", to: ");
	site_text_to(out, &service->to);
	if (service->what.n) {
		buf_puts(out, ", what: ");
		put_word(out, service->what);
	}
	if (words[service->tls])
		buf_printf(out, ", tls: %s", words[service->tls]);
	buf_putc(out, '}');
}

void site_text_reach(struct buf *out, const struct seen_reach *reach)
{
	static const char *const words[] = {
		[SITE_REACH_DNS] = "dns",
		[SITE_REACH_NTP] = "ntp",
		[SITE_REACH_APT] = "apt",
		[SITE_REACH_ICMP] = "icmp",
	};

	if (reach->kind != SITE_REACH_PORTS) {
		buf_puts(out, words[reach->kind]);
		return;
	}
	buf_puts(out, "{port: ");
	put_ports(out, reach->ports);
	buf_puts(out, ", to: ");
	site_text_to(out, &reach->to);
	buf_putc(out, '}');
}

/* --- parts ------------------------------------------------------------------------------------- */

static void put_profile(struct buf *out, const struct seen *seen)
{
	buf_putc(out, '\n');
	put_comment(out, "", seen->profile_evidence);
	buf_printf(out, "profile: %s\n", seen->profile);
}

static void put_networks(struct buf *out, const struct seen *seen)
{
	if (!seen->networks.n)
		return;
	buf_puts(
		out,
		"\n# Private networks that this server is in, by names for `to` and `from`.\nnetworks:\n");
	for (size_t i = 0; i < seen->networks.n; i++) {
		const struct seen_network *n = &seen->networks.p[i];
		_cleanup_buf_ struct buf about = BUF(1024);

		buf_printf(&about, "the interface %.*s", STR_ARG(n->interface));
		put_comment(out, "  ", about.p);
		buf_printf(out, "  %s: [", n->name);
		for (size_t k = 0; k < n->networks.n; k++) {
			buf_puts(out, k ? ", " : "");
			put_word(out, n->networks.p[k].text);
		}
		buf_puts(out, "]\n");
	}
}

static bool has_admins(const struct seen *seen)
{
	for (size_t i = 0; i < seen->admins.n; i++)
		if (!seen->admins.p[i].left)
			return true;
	return false;
}

static void put_item(struct buf *out, const char *evidence, struct str word, bool taken)
{
	put_comment(out, "    ", evidence);
	buf_puts(out, taken ? "    - " : "    # - ");
	put_word(out, word);
	buf_putc(out, '\n');
}

static void put_from(struct buf *out, const struct seen *seen)
{
	bool said = !seen->from_question && seen->from.n;

	if (!seen->ssh && seen->listeners_known) {
		put_comment(out, "  ", "No server of SSH listens here, so nobody comes in by it.");
		return;
	}
	put_comment(out, "  ",
				said
					? "From where SSH is let in. Whoever is in none of these is locked out, and so "
					  "are you when an address here is lent to you and changes: a VPN's does not."
					: "From where SSH is let in is left to you; without it, from everywhere.");
	if (seen->from_question)
		put_comment(out, "  ", seen->from_question);
	buf_puts(out, said ? "  from:\n" : "  # from:\n");
	for (size_t i = 0; i < seen->from.n && (said || i < SEEN_MANY); i++)
		put_item(out, seen->from.p[i].evidence, seen->from.p[i].word, said);
}

static void put_admins(struct buf *out, const struct seen *seen)
{
	bool any = has_admins(seen);

	buf_putc(out, '\n');
	if (!any)
		put_comment(
			out, "",
			"Who administers this server, and from where, is left to you: nobody is seen who "
			"could log in with a key and become root.");
	buf_puts(out, any ? "admins:\n  users:\n" : "# admins: {users: [name], from: [network]}\n");
	for (size_t i = 0; i < seen->admins.n; i++)
		put_item(out, seen->admins.p[i].evidence, seen->admins.p[i].name,
				 any && !seen->admins.p[i].left);
	if (any)
		put_from(out, seen);
	for (size_t i = 0; i < seen->notes.n; i++)
		put_comment(out, "  ", seen->notes.p[i]);
}

static void put_services(struct buf *out, const struct seen *seen)
{
	size_t n = MIN(seen->services.n, MAX_SERVICES), taken = 0;

	if (!seen->listeners_known)
		return;
	for (size_t i = 0; i < n; i++)
		taken += !seen->services.p[i].left && !seen->services.p[i].question;
	buf_puts(out, "\n# What is served, and to whom. Nothing else is let in.\n");
	buf_puts(out, taken ? "serves:\n" : "serves: []\n");
	for (size_t i = 0; i < n; i++) {
		const struct seen_service *service = &seen->services.p[i];

		put_comment(out, "  ", service->evidence);
		if (service->question && !service->left)
			put_comment(out, "  ", service->question);
		buf_puts(out, service->left || service->question ? "  # - " : "  - ");
		site_text_service(out, service);
		buf_putc(out, '\n');
	}
	if (n < seen->services.n)
		buf_printf(out, "  # %zu more ports listen than are listed here.\n", seen->services.n - n);
}

static void put_forwards(struct buf *out, const struct seen *seen)
{
	if (!seen->passes_on)
		return;
	buf_putc(out, '\n');
	put_comment(
		out, "",
		"Packets are passed on here (net.ipv4.ip_forward is 1), and there is a VPN: from where to "
		"where is left to you.");
	buf_printf(out, "# forwards: [{from: %s, to: world}]\n", seen->passes_on);
}

static void put_reaches(struct buf *out, const struct seen *seen)
{
	size_t taken = 0;

	if (!seen->reaches.n)
		return;
	for (size_t i = 0; i < seen->reaches.n; i++)
		taken += !seen->reaches.p[i].left;
	buf_putc(out, '\n');
	put_comment(
		out, "",
		"What it connects to: of connections only those that were open at that moment. What is "
		"missing here is not held back, but logged, until `egress` is deny.");
	buf_puts(out, taken ? "reaches:\n" : "reaches: []\n");
	for (size_t i = 0; i < seen->reaches.n; i++) {
		const struct seen_reach *reach = &seen->reaches.p[i];

		put_comment(out, "  ", reach->evidence);
		buf_puts(out, reach->left ? "  # - " : "  - ");
		site_text_reach(out, reach);
		buf_putc(out, '\n');
	}
	buf_puts(out, "egress: observe\n");
}

void site_text(const struct seen *seen, int64_t time, struct buf *out)
{
	_cleanup_buf_ struct buf day = BUF(64), about = BUF(1024);

	value_print(&day, TYPE_TIME, &(struct value){.state = VALUE_SET, .number = time});
	buf_printf(
		&about,
		"What this server is for; revet.yaml(5) says what may stand here. `revet init` guessed it "
		"from what it saw on %.10s: read every line, a wrong one lets somebody in or locks "
		"somebody out. A line behind a # was left out.",
		day.p);
	put_comment(out, "", about.p);
	for (size_t i = 0; i < seen->unknown.n; i++) {
		buf_clear(&about);
		buf_printf(&about, "Not seen: %s", seen->unknown.p[i]);
		put_comment(out, "", about.p);
	}
	put_profile(out, seen);
	put_networks(out, seen);
	put_admins(out, seen);
	put_services(out, seen);
	put_forwards(out, seen);
	put_reaches(out, seen);
}

static int try_text(struct seen *seen, int64_t time, struct arena *a, struct buf *out,
					struct site_file *ret, struct err *err)
{
	size_t start = out->n;

	site_text(seen, time, out);
	if (out->full)
		return err_set(err, EFBIG, "the site file would be larger than %zu bytes", out->max);
	return site_file_parse(
		(struct str){arena_copy(a, out->p + start, out->n - start), out->n - start}, "site.yaml", a,
		ret, err);
}

int site_text_loads(struct seen *seen, int64_t time, struct arena *a, struct buf *out,
					struct site_file *ret, struct err *err)
{
	size_t start = out->n;
	int r = try_text(seen, time, a, out, ret, err);

	if (r < 0 || !seen->peer.p || nets_admit(&ret->admins.from, seen->peer))
		return r;
	seen->from_question =
		arena_printf(a, "This session comes from %.*s, which is not in it.", STR_ARG(seen->peer));
	out->n = start;
	return try_text(seen, time, a, out, ret, err);
}
