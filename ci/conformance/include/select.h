/* Stands at the top of a test file: each test function of START_TEST runs only if it was asked for. */

#ifndef PVGPU_CONFORMANCE_SELECT_H
#define PVGPU_CONFORMANCE_SELECT_H

/* True for the function that the environment variable PVGPU_TEST names, and for every function without that variable. */
int pvgpu_selected(const char *function);

#endif
