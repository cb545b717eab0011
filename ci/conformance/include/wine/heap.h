/* The allocation functions that the tests call, over the process heap. */

#ifndef PVGPU_CONFORMANCE_HEAP_H
#define PVGPU_CONFORMANCE_HEAP_H

#include <windef.h>
#include <winbase.h>

static inline void *heap_alloc(SIZE_T size)
{
    return HeapAlloc(GetProcessHeap(), 0, size);
}

static inline void *heap_alloc_zero(SIZE_T size)
{
    return HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, size);
}

static inline void *heap_calloc(SIZE_T count, SIZE_T size)
{
    return size && count > ~(SIZE_T)0 / size ? NULL : heap_alloc_zero(count * size);
}

static inline void *heap_realloc(void *memory, SIZE_T size)
{
    return memory ? HeapReAlloc(GetProcessHeap(), 0, memory, size) : heap_alloc(size);
}

static inline void heap_free(void *memory)
{
    HeapFree(GetProcessHeap(), 0, memory);
}

#endif
