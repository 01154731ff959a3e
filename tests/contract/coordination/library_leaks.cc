// ZooKeeper's C client forgets about 300 bytes of its own when it is closed while a call waits for
// an answer that does not come, which these tests bring about.
extern "C" const char* __lsan_default_suppressions();  // NOLINT: LeakSanitizer looks for this name
extern "C" const char* __lsan_default_suppressions() { return "leak:libzookeeper_mt"; }
// That one was suppressed is no report.
extern "C" const char* __lsan_default_options();  // NOLINT: likewise
extern "C" const char* __lsan_default_options() { return "print_suppressions=0"; }
