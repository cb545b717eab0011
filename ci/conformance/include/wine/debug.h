/* What the tests' own headers expect of Wine's debug header: texts for messages, made in a buffer that is used in turns. */

#ifndef PVGPU_CONFORMANCE_DEBUG_H
#define PVGPU_CONFORMANCE_DEBUG_H

#include <stdarg.h>
#include <stdio.h>
#include <windef.h>
#include <winbase.h>

#define __WINE_PRINTF_ATTR(format_index, first) __attribute__((format(gnu_printf, format_index, first)))

/* A text that lasts until 16 more were made. */
static inline const char *wine_dbg_sprintf(const char *format, ...)
{
    static char texts[16][512];
    static LONG turn;
    char *text = texts[(unsigned int)InterlockedIncrement(&turn) % 16];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(texts[0]), format, arguments);
    va_end(arguments);
    return text;
}

static inline const char *wine_dbgstr_a(const char *text)
{
    return text ? wine_dbg_sprintf("\"%.400s\"", text) : "(null)";
}

static inline const char *wine_dbgstr_w(const WCHAR *text)
{
    char narrow[400];
    unsigned int length = 0;

    if (!text)
        return "(null)";
    for (; text[length] && length < sizeof(narrow) - 1; ++length)
        narrow[length] = text[length] < 128 ? (char)text[length] : '?';
    narrow[length] = 0;
    return wine_dbg_sprintf("L\"%s\"", narrow);
}

static inline const char *wine_dbgstr_rect(const RECT *rect)
{
    if (!rect)
        return "(null)";
    return wine_dbg_sprintf("(%ld,%ld)-(%ld,%ld)", (long)rect->left, (long)rect->top, (long)rect->right,
            (long)rect->bottom);
}

static inline const char *wine_dbgstr_longlong(ULONGLONG value)
{
    return wine_dbg_sprintf("%llx", (unsigned long long)value);
}

#endif
