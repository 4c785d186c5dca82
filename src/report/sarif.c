/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SARIF 2.1.0 (OASIS), for code scanning services: a run for the host, a result for each object that
 * a failed rule names. What passes or is waived is left out, because GitHub shows results of every kind as alerts, suppressed or not;
 * rules whose verdict is not known are notifications of the invocation.
 */
#include <openssl/sha.h>
#include <stdio.h>

#include "base/json.h"
#include "host/value.h"
#include "report/report.h"

#define SCHEMA "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#define ROOT_ID "HOSTROOT"

static const char *level_of(enum severity s)
{
	static const char *const levels[] = {
		[SEVERITY_LOW] = "note",
		[SEVERITY_MEDIUM] = "warning",
		[SEVERITY_HIGH] = "error",
		[SEVERITY_CRITICAL] = "error",
	};

	return levels[s];
}

/* GitHub's bounds: critical is above 9.0, high from 7.0, medium from 4.0. */
static const char *security_severity(enum severity s)
{
	static const char *const numbers[] = {
		[SEVERITY_LOW] = "2.0",
		[SEVERITY_MEDIUM] = "5.0",
		[SEVERITY_HIGH] = "8.0",
		[SEVERITY_CRITICAL] = "9.5",
	};

	return numbers[s];
}

static void write_text(struct jsonw *j, const char *key, struct str text)
{
	jsonw_key(j, key);
	jsonw_object(j);
	jsonw_member_str(j, "text", text);
	jsonw_end(j);
}

/* --- rules ------------------------------------------------------------------------------------- */

/* "security", the family, and every reference as KIND/NUMBER. */
static void write_tags(struct jsonw *j, const struct rule *rule)
{
	struct yaml_iter refs = yaml_iter(rule->refs);

	jsonw_key(j, "tags");
	jsonw_array(j);
	jsonw_strz(j, "security");
	jsonw_strz(j, rule->family);
	while (rule->refs.doc && yaml_next(&refs)) {
		bool is_list = yaml_kind(refs.value) == YAML_LIST;
		struct yaml_iter items = yaml_iter(refs.value);

		while (!is_list || yaml_next(&items)) {
			_cleanup_buf_ struct buf tag = BUF(4096);
			struct str number = yaml_text(is_list ? items.value : refs.value);

			buf_printf(&tag, "%.*s/%.*s", STR_ARG(yaml_text(refs.key)), STR_ARG(number));
			jsonw_str(j, buf_get(&tag));
			if (!is_list)
				break;
		}
	}
	jsonw_end(j);
}

static void write_help(struct jsonw *j, const struct rule *rule)
{
	_cleanup_buf_ struct buf text = BUF(1u << 20);

	buf_str(&text, str_trim(rule->why));
	if (rule->by_hand.p)
		buf_printf(&text, "\n\nBy hand: %.*s", STR_ARG(str_trim(rule->by_hand)));
	else
		buf_printf(&text, "\n\nFix: revet plan --rule %s", rule->id);
	if (rule->breaks.p)
		buf_printf(&text, "\n\nWhat it may break: %.*s", STR_ARG(str_trim(rule->breaks)));
	write_text(j, "help", buf_get(&text));
}

static void write_rule(struct jsonw *j, const struct rule *rule)
{
	jsonw_object(j);
	jsonw_member_strz(j, "id", rule->id);
	write_text(j, "shortDescription", rule->title);
	write_text(j, "fullDescription", str_trim(rule->why));
	write_help(j, rule);
	jsonw_key(j, "defaultConfiguration");
	jsonw_object(j);
	jsonw_member_strz(j, "level", level_of(rule->severity));
	jsonw_end(j);
	jsonw_key(j, "properties");
	jsonw_object(j);
	jsonw_member_strz(j, "security-severity", security_severity(rule->severity));
	jsonw_member_strz(j, "fix", fix_name(rule->fix));
	write_tags(j, rule);
	jsonw_end(j);
	jsonw_end(j);
}

static void write_tool(struct jsonw *j, const struct audit *a)
{
	jsonw_key(j, "tool");
	jsonw_object(j);
	jsonw_key(j, "driver");
	jsonw_object(j);
	jsonw_member_strz(j, "name", "revet");
	jsonw_member_strz(j, "semanticVersion", REVET_VERSION);
	jsonw_key(j, "rules");
	jsonw_array(j);
	for (size_t i = 0; i < a->n; i++)
		write_rule(j, a->judgements[i].rule);
	jsonw_end(j);
	jsonw_end(j);
	jsonw_end(j);
}

/* --- results ----------------------------------------------------------------------------------- */

/* A path below the host's root as a relative URI reference (RFC 3986). */
static void put_uri(struct buf *out, const char *path)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";

	while (*path == '/')
		path++;
	buf_puts(out, *path ? "" : "./");
	for (; *path; path++)
		buf_printf(out, strchr(plain, *path) ? "%c" : "%%%02X", (unsigned char)*path);
}

/* GitHub wants a file of every result: the root itself stands for what comes from none. */
static void write_location(struct jsonw *j, const struct evidence *e)
{
	_cleanup_buf_ struct buf uri = BUF(65536);

	put_uri(&uri, e && e->from.path && e->from.path[0] == '/' ? e->from.path : "/");
	jsonw_key(j, "locations");
	jsonw_array(j);
	jsonw_object(j);
	jsonw_key(j, "physicalLocation");
	jsonw_object(j);
	jsonw_key(j, "artifactLocation");
	jsonw_object(j);
	jsonw_member_str(j, "uri", buf_get(&uri));
	jsonw_member_strz(j, "uriBaseId", ROOT_ID);
	jsonw_end(j);
	if (e && e->from.line) {
		jsonw_key(j, "region");
		jsonw_object(j);
		jsonw_member_int(j, "startLine", e->from.line);
		jsonw_end(j);
	}
	jsonw_end(j);
	if (e) {
		jsonw_key(j, "logicalLocations");
		jsonw_array(j);
		jsonw_object(j);
		jsonw_member_strz(j, "fullyQualifiedName", e->object);
		jsonw_end(j);
		jsonw_end(j);
	}
	jsonw_end(j);
	jsonw_end(j);
}

/* How many pieces of evidence before this one are about the same object. */
static size_t earlier_of_object(const struct judgement *g, const struct evidence *e)
{
	size_t n = 0;

	for (const struct evidence *other = g->p; e && other < e; other++)
		n += strcmp(other->object, e->object) == 0;
	return n;
}

/* What makes it the same finding in the next audit: rule, host and object, not the value. */
static void write_fingerprint(struct jsonw *j, const struct audit *a, const struct judgement *g,
							  const struct evidence *e)
{
	_cleanup_buf_ struct buf text = BUF(1u << 20);
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char hex[2 * SHA256_DIGEST_LENGTH + 1];

	buf_puts(&text, g->rule->id);
	buf_putc(&text, '\0');
	buf_str(&text, snapshot_os(a->snapshot, "hostname", ""));
	buf_putc(&text, '\0');
	buf_puts(&text, e ? e->object : "");
	if (earlier_of_object(g, e))
		buf_printf(&text, "%c%zu", '\0', earlier_of_object(g, e));
	SHA256((const unsigned char *)text.p, text.n, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	jsonw_key(j, "partialFingerprints");
	jsonw_object(j);
	jsonw_member_strz(j, "ruleHostObject/v1", hex);
	jsonw_end(j);
}

static void write_message(struct jsonw *j, const struct judgement *g, const struct evidence *e)
{
	_cleanup_buf_ struct buf text = BUF(1u << 20);

	buf_printable(&text, g->rule->title);
	if (e) {
		buf_puts(&text, ": ");
		evidence_print(&text, e);
	}
	write_text(j, "message", buf_get(&text));
}

static void write_result(struct jsonw *j, const struct audit *a, size_t i, const struct evidence *e)
{
	const struct judgement *g = &a->judgements[i];

	jsonw_object(j);
	jsonw_member_strz(j, "ruleId", g->rule->id);
	jsonw_member_int(j, "ruleIndex", (int64_t)i);
	jsonw_member_strz(j, "kind", "fail");
	jsonw_member_strz(j, "level", level_of(g->rule->severity));
	write_message(j, g, e);
	write_location(j, e);
	write_fingerprint(j, a, g, e);
	jsonw_end(j);
}

static void write_results(struct jsonw *j, const struct audit *a)
{
	jsonw_key(j, "results");
	jsonw_array(j);
	for (size_t i = 0; i < a->n; i++) {
		const struct judgement *g = &a->judgements[i];

		if (!judgement_counts(g))
			continue;
		for (size_t k = 0; k < g->n; k++)
			if (!g->p[k].waiver)
				write_result(j, a, i, &g->p[k]);
		if (!g->n)
			write_result(j, a, i, NULL);
	}
	jsonw_end(j);
}

/* --- the run ----------------------------------------------------------------------------------- */

static void write_unknown(struct jsonw *j, const struct audit *a, size_t i)
{
	const struct judgement *g = &a->judgements[i];
	_cleanup_buf_ struct buf text = BUF(1u << 20);

	buf_puts(&text, "not known: ");
	buf_printable(&text, str_of(g->reason ? g->reason : "no reason"));
	jsonw_object(j);
	jsonw_member_strz(j, "level", "warning");
	write_text(j, "message", buf_get(&text));
	jsonw_key(j, "associatedRule");
	jsonw_object(j);
	jsonw_member_strz(j, "id", g->rule->id);
	jsonw_member_int(j, "index", (int64_t)i);
	jsonw_end(j);
	jsonw_end(j);
}

static void write_invocation(struct jsonw *j, const struct audit *a)
{
	struct value time = {.state = VALUE_SET, .number = snapshot_facts(a->snapshot)->time};

	jsonw_key(j, "invocations");
	jsonw_array(j);
	jsonw_object(j);
	jsonw_member_bool(j, "executionSuccessful", true);
	jsonw_key(j, "endTimeUtc");
	value_json(j, TYPE_TIME, &time);
	jsonw_key(j, "toolExecutionNotifications");
	jsonw_array(j);
	for (size_t i = 0; i < a->n; i++)
		if (a->judgements[i].verdict == VERDICT_UNKNOWN)
			write_unknown(j, a, i);
	jsonw_end(j);
	jsonw_end(j);
	jsonw_end(j);
}

static void write_run(struct jsonw *j, const struct audit *a)
{
	_cleanup_buf_ struct buf id = BUF(65536);

	/* The trailing slash says that this is a category, which holds many runs. */
	buf_printf(&id, "revet/%.*s/", STR_ARG(snapshot_os(a->snapshot, "hostname", "unknown")));
	jsonw_object(j);
	write_tool(j, a);
	jsonw_key(j, "automationDetails");
	jsonw_object(j);
	jsonw_member_str(j, "id", buf_get(&id));
	jsonw_end(j);
	write_invocation(j, a);
	jsonw_key(j, "originalUriBaseIds");
	jsonw_object(j);
	jsonw_key(j, ROOT_ID);
	jsonw_object(j);
	jsonw_member_strz(j, "uri", "file:///");
	jsonw_end(j);
	jsonw_end(j);
	write_results(j, a);
	jsonw_end(j);
}

static void write_sarif(const struct audit *a, struct buf *out)
{
	struct jsonw j;

	jsonw_begin(&j, out, true);
	jsonw_object(&j);
	jsonw_member_strz(&j, "$schema", SCHEMA);
	jsonw_member_strz(&j, "version", "2.1.0");
	jsonw_key(&j, "runs");
	jsonw_array(&j);
	write_run(&j, a);
	jsonw_end(&j);
	jsonw_end(&j);
}

static const struct report sarif_report = {"sarif", "SARIF 2.1.0, for code scanning services",
										   write_sarif};
REPORT(sarif_report);
