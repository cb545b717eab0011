/* Stands at the end of a test file, after the test framework's own functions, and uses these. */

int pvgpu_selected(const char *function)
{
    const char *wanted = getenv("PVGPU_TEST");
    return !wanted || !strcmp(wanted, function);
}

/* Says which module an exception came from, then has the framework say which check came before; no debugger is started. */
static LONG CALLBACK pvgpu_report_exception(EXCEPTION_POINTERS *pointers)
{
    char name[MAX_PATH] = "?";
    HMODULE module = NULL;
    void *address = pointers->ExceptionRecord->ExceptionAddress;

    if (GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
            address, &module))
        GetModuleFileNameA(module, name, sizeof(name));
    printf("exception %08x in %s+%#llx\n", (unsigned int)pointers->ExceptionRecord->ExceptionCode, name,
            (unsigned long long)((char *)address - (char *)module));
    return exc_filter(pointers);
}

static void __attribute__((constructor)) pvgpu_install_report(void)
{
    SetUnhandledExceptionFilter(pvgpu_report_exception);
}
