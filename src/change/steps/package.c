/* SPDX-License-Identifier: Apache-2.0 */
/* Packages: the target is the package manager, each field a package with the version that is installed.
 * Everything else is the manager's: see change/packages.h. */
#include <limits.h>
#include <stdlib.h>

#include "base/vec.h"
#include "change/packages.h"

static const struct package_manager *find_manager(const char *name, struct err *err)
{
	for (const struct package_manager *const *m = LEAF_BEGIN(package_managers);
		 m < LEAF_END(package_managers); m++)
		if (strcmp((*m)->name, name) == 0)
			return *m;
	err_set(err, ENOTSUP, "packages of %s are not changed", name);
	return NULL;
}

static int capture_packages(const struct place *place, const char *target, struct arena *a,
							struct state *ret, struct err *err)
{
	const struct package_manager *m = find_manager(target, err);

	return m ? m->capture(place, a, ret, err) : -err->errnum;
}

/* What rpm's headers have as epoch 0, and dnf's lists as none, is the same version. */
static int canonical_packages(const struct place *place, const char *target,
							  const struct state *state, struct arena *a, struct state *ret,
							  struct err *err)
{
	struct state now = {0};
	int r = capture_packages(place, target, a, &now, err);

	for (size_t i = 0; r == 0 && i < state->n; i++) {
		const struct field *f = &state->p[i];
		struct str have = state_get(&now, f->name), rest = have;
		bool same = f->value.p && str_skip(&rest, "0:") && str_eq(rest, f->value);

		state_set(ret, a, f->name, same ? have : f->value);
	}
	return r;
}

static int save_packages(const struct place *place, const struct step *step,
						 const struct saved *saved, struct err *err)
{
	const struct package_manager *m = find_manager(step->target, err);

	return m ? m->save(place, step, saved, err) : -err->errnum;
}

static int perform_packages(const struct place *place, const struct step *step,
							const struct saved *saved, struct err *err)
{
	const struct package_manager *m = find_manager(step->target, err);

	return m ? m->perform(place, step, saved, err) : -err->errnum;
}

static int put_packages(const struct place *place, const char *target, const struct state *to,
						const struct saved *saved, struct err *err)
{
	const struct package_manager *m = find_manager(target, err);

	/* Their scripts wait for services to start. */
	if (m && step_is_booting(place))
		return err_set(err, EAGAIN, "packages are put back once the system is up");
	return m ? m->undo(place, to, saved, err) : -err->errnum;
}

static void describe_packages(struct buf *out, const struct step *s)
{
	_cleanup_arena_ struct arena a = {0};

	step_describe_fields(out, s);
	if (packages_installed_by(s, &a).n)
		buf_puts(out, "  and what that depends on; nothing is upgraded or removed for it\n");
}

static void undo_packages(struct buf *out, const struct step *s)
{
	struct err ignored;
	const struct package_manager *m = find_manager(s->target, &ignored);

	if (m)
		m->undo_sh(out, s);
}

static const struct step_type package_step = {
	.name = "package",
	.doc = "packages that are installed, with what they depend on, or removed, their configuration "
		   "staying",
	.order = 70,
	.is_about_fields = true,
	.capture = capture_packages,
	.canonical = canonical_packages,
	.put = put_packages,
	.save = save_packages,
	.perform = perform_packages,
	.describe = describe_packages,
	.undo_sh = undo_packages,
};
STEP_TYPE(package_step);
