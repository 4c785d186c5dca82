/* SPDX-License-Identifier: Apache-2.0 */
#include "change/undo_script.h"

/* The cp of coreutils brings attributes and lists of access back as well; that of busybox, which many
 * rescue systems have, takes none of these options. What could not be undone is not called reverted. */
const char undo_script_functions[] =
	"FAILED=\n"
	"failed() {\n"
	"\tFAILED=1\n"
	"\techo \"undo.sh: $1 could not be undone\" >&2\n"
	"\treturn 1\n"
	"}\n"
	"LESS=\n"
	"less() {\n"
	"\t[ -n \"$LESS\" ] || echo \"undo.sh: this cp brings no attributes and lists of access back\" >&2\n"
	"\tLESS=1\n"
	"}\n"
	"# like_mode FROM TO: with five digits chmod takes a directory's own bits away, too, which cp leaves\n"
	"like_mode() {\n"
	"\tchmod \"00$(stat -c %a \"$1\")\" \"$2\" || failed \"$2\"\n"
	"}\n"
	"# make_like FROM TO: the mode, the owner, the times and the attributes\n"
	"make_like() {\n"
	"\tif [ ! -e \"$2\" ]; then failed \"$2\"; return; fi\n"
	"\tif cp -rT --attributes-only --preserve=all \"$1\" \"$2\" 2>/dev/null; then\n"
	"\t\tlike_mode \"$1\" \"$2\"\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tless\n"
	"\tchown \"$(stat -c %u:%g \"$1\")\" \"$2\" && like_mode \"$1\" \"$2\" &&\n"
	"\t\ttouch -c -m -r \"$1\" \"$2\" || failed \"$2\"\n"
	"}\n"
	"# copy FROM TO: a file with all that\n"
	"copy() {\n"
	"\tcp --preserve=all \"$1\" \"$2\" 2>/dev/null && return\n"
	"\tless\n"
	"\tcp -p \"$1\" \"$2\" || failed \"$2\"\n"
	"}\n"
	"# replace FROM TO: the same, of whatever it is\n"
	"replace() {\n"
	"\tcp -a -T --remove-destination \"$1\" \"$2\" 2>/dev/null && return\n"
	"\tless\n"
	"\trm -f \"$2\" 2>/dev/null\n"
	"\tcp -a -T \"$1\" \"$2\" || failed \"$2\"\n"
	"}\n"
	"# dated WHEN SECONDS WHAT: the time, of which the touch of busybox knows whole seconds alone\n"
	"dated() {\n"
	"\ttouch -h -c -m -d \"$1\" \"$3\" 2>/dev/null || touch -h -c -m -d \"@$2\" \"$3\" || failed \"$3\"\n"
	"}\n"
	"# unlink_unit NAME: the links of systemd that are it, or lead to it\n"
	"unlink_unit() {\n"
	"\tfind \"$ROOT/etc/systemd/system\" -type l | while read -r link; do\n"
	"\t\tcase $link,$(readlink \"$link\") in */\"$1\",* | *,*/\"$1\") rm -f \"$link\" ;; esac\n"
	"\tdone\n"
	"}\n";

static void undo_step(struct buf *out, const struct step *s, size_t i)
{
	if (!s->type->undo_sh)
		return;
	if (s->type->is_action) {
		buf_puts(out, "if has activated; then\n");
		s->type->undo_sh(out, s);
		buf_puts(out, "fi\n");
		return;
	}
	buf_printf(out, "if has 'step %zu prepared'; then\nSAVED=\"$DIR/before/%zu\"\n", i, i);
	s->type->undo_sh(out, s);
	buf_puts(out, "fi\n");
}

void undo_script(const struct plan *p, struct buf *out)
{
	buf_puts(out, "#!/bin/sh\n"
				  "# Undoes this change without revet: sh undo.sh [ROOT]\n"
				  "# ROOT is where the system is mounted, on rescue media; / when it is left out.\n"
				  "ROOT=${1:-}\nROOT=${ROOT%/}\n"
				  "DIR=$(cd \"$(dirname \"$0\")\" && pwd)\n"
				  "# has LINE: is it in the journal? Where that is lost, all of it may have been.\n"
				  "has() {\n"
				  "\t! grep -q '^status ' \"$DIR/journal\" 2>/dev/null || grep -q \"^$1\" \"$DIR/journal\"\n"
				  "}\n");
	buf_puts(out, undo_script_functions);
	for (size_t i = p->steps.n; i-- > 0;)
		if (!p->steps.p[i].type->is_action)
			undo_step(out, &p->steps.p[i], i);
	for (size_t i = 0; i < p->steps.n; i++)
		if (p->steps.p[i].type->is_action)
			undo_step(out, &p->steps.p[i], i);
	buf_puts(out, "if [ -n \"$FAILED\" ]; then exit 1; fi\n"
				  "echo 'status reverted' >>\"$DIR/journal\"\n");
}
