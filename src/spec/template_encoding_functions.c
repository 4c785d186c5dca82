/* SPDX-License-Identifier: Apache-2.0 */
/* Text as other programs take it: base64, hashes, JSON, HTML, addresses, paths. */
#include <ctype.h>
#include <openssl/evp.h>

#include "spec/template_private.h"

/* --- encodings ------------------------------------------------------------------------------- */

static int run_b64enc(struct call *c, struct datum *ret)
{
	struct str s;
	unsigned char *to;
	int n;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	if (s.n > 700000)
		return call_fail(c, "the text is too large");
	to = arena_alloc(c->arena, s.n / 3 * 4 + 8);
	n = EVP_EncodeBlock(to, (const unsigned char *)(s.p ? s.p : ""), (int)s.n);
	*ret = DATUM_STR(((struct str){(char *)to, (size_t)n}));
	return 0;
}

static int run_b64dec(struct call *c, struct datum *ret)
{
	struct str s;
	unsigned char *to;
	int n;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	if (s.n > ((size_t)1 << 20) || s.n % 4)
		return call_fail(c, "this is no base64");
	to = arena_alloc(c->arena, s.n + 4);
	n = s.n ? EVP_DecodeBlock(to, (const unsigned char *)s.p, (int)s.n) : 0;
	if (n < 0)
		return call_fail(c, "this is no base64");
	for (size_t i = s.n; i > 0 && s.p[i - 1] == '=' && n > 0; i--)
		n--;
	*ret = DATUM_STR(((struct str){(char *)to, (size_t)n}));
	return 0;
}

static int run_hash(struct call *c, struct datum *ret)
{
	const char *name = c->function->name;
	const EVP_MD *md = name[0] == 'm'   ? EVP_md5()
					   : name[3] == '1' ? EVP_sha1()
					   : name[3] == '2' ? EVP_sha256()
										: EVP_sha512();
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct buf out = CALL_BUF;
	unsigned n = 0;
	struct str s;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	if (EVP_Digest(s.p ? s.p : "", s.n, digest, &n, md, NULL) != 1)
		return call_fail(c, "the hash cannot be computed");
	for (unsigned i = 0; i < n; i++)
		buf_printf(&out, "%02x", digest[i]);
	return call_return(c, &out, ret);
}

static int run_to_json(struct call *c, struct datum *ret)
{
	struct buf out = CALL_BUF;

	datum_json(&out, &c->args[0]);
	return call_return(c, &out, ret);
}

static int run_from_json(struct call *c, struct datum *ret)
{
	struct str s;
	struct err err;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	if (datum_from_json(s, c->arena, ret, &err) < 0)
		return call_fail(c, "%s", err.msg);
	return call_spend(c, s.n / 8);
}

static int run_escape(struct call *c, struct datum *ret)
{
	bool url = c->function->name[0] == 'u';
	struct buf out = CALL_BUF, all = CALL_BUF;
	struct str s;

	for (size_t i = 0; i < c->n; i++)
		datum_print(&all, &c->args[i]);
	s = buf_get(&all);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char b = (unsigned char)s.p[i];

		if (url && b == ' ')
			buf_putc(&out, '+');
		else if (url && !(isalnum(b) && b < 0x80) && !strchr("-_.~", b))
			buf_printf(&out, "%%%02X", b);
		else if (!url && b == '<')
			buf_puts(&out, "&lt;");
		else if (!url && b == '>')
			buf_puts(&out, "&gt;");
		else if (!url && b == '&')
			buf_puts(&out, "&amp;");
		else if (!url && (b == '"' || b == '\''))
			buf_puts(&out, b == '"' ? "&#34;" : "&#39;");
		else
			buf_putc(&out, (char)b);
	}
	buf_done(&all);
	return call_return(c, &out, ret);
}

/* --- paths ----------------------------------------------------------------------------------- */

static int run_base(struct call *c, struct datum *ret)
{
	struct str s, part, last = STR_ABSENT;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	*ret = DATUM_STR(s.n ? STR("/") : STR("."));
	while (str_cut(&s, '/', &part))
		if (part.n)
			last = part;
	if (last.p)
		*ret = DATUM_STR(last);
	return 0;
}

static int run_dir(struct call *c, struct datum *ret)
{
	struct str s;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	while (s.n && s.p[s.n - 1] != '/')
		s.n--;
	while (s.n > 1 && s.p[s.n - 1] == '/')
		s.n--;
	*ret = DATUM_STR(s.n ? s : STR("."));
	return 0;
}

static int run_ext(struct call *c, struct datum *ret)
{
	struct str s;
	size_t i;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	for (i = s.n; i > 0 && s.p[i - 1] != '/' && s.p[i - 1] != '.'; i--)
		;
	*ret =
		DATUM_STR(i > 0 && s.p[i - 1] == '.' ? ((struct str){s.p + i - 1, s.n - i + 1}) : STR(""));
	return 0;
}

static int run_is_abs(struct call *c, struct datum *ret)
{
	struct str s;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	*ret = DATUM_YES(str_starts(s, "/"));
	return 0;
}

const struct template_function template_encoding_functions[] = {
	{"b64enc", 1, 1, run_b64enc},
	{"b64dec", 1, 1, run_b64dec},
	{"md5sum", 1, 1, run_hash},
	{"sha1sum", 1, 1, run_hash},
	{"sha256sum", 1, 1, run_hash},
	{"sha512sum", 1, 1, run_hash},
	{"toJson", 1, 1, run_to_json},
	{"mustToJson", 1, 1, run_to_json},
	{"toRawJson", 1, 1, run_to_json},
	{"fromJson", 1, 1, run_from_json},
	{"mustFromJson", 1, 1, run_from_json},
	{"html", 1, 0, run_escape},
	{"urlquery", 1, 0, run_escape},
	{"base", 1, 1, run_base},
	{"dir", 1, 1, run_dir},
	{"ext", 1, 1, run_ext},
	{"isAbs", 1, 1, run_is_abs},
	{"osBase", 1, 1, run_base},
	{"osDir", 1, 1, run_dir},
	{"osExt", 1, 1, run_ext},
	{"osIsAbs", 1, 1, run_is_abs},
	{0},
};
