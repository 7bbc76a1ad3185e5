/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* LB_ABI_SIZE: both compilers must agree on the size of every shared struct. */
#pragma once

#ifdef __cplusplus
#define LB_ABI_SIZE(type, size) static_assert(sizeof(type) == (size), "shared struct changed size")
#else
#define LB_ABI_SIZE(type, size) _Static_assert(sizeof(type) == (size), "shared struct changed size")
#endif
