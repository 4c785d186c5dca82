/* SPDX-License-Identifier: Apache-2.0 */
#include "host/library.h"

#include <dlfcn.h>
#include <string.h>

#include "base/shortage.h"

int library_open(const char *name, struct library_symbol *symbols, size_t n, void **ret,
				 struct err *err)
{
	errno = 0;
	*ret = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (!*ret) {
		shortage_note(-errno, name);
		return err_set(err, ENOTSUP, "the library %s is needed: %s", name, dlerror());
	}
	for (size_t i = 0; i < n; i++) {
		void *symbol = dlsym(*ret, symbols[i].name);

		if (!symbol)
			return err_set(err, ENOTSUP, "%s: %s", name, dlerror());
		/* ISO C has no cast from an object pointer to a function pointer. */
		memcpy(symbols[i].to, &symbol, sizeof(symbol));
	}
	return 0;
}

void library_close(void *library)
{
	if (library)
		dlclose(library);
}
