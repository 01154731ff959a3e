#pragma once

namespace parley {

/// Names the calling thread, as `top -H` and debuggers show it; at most 15 bytes.
void name_thread(const char* name);

/// The calling thread lets others that want its core go first: nice 10, about a tenth of what each
/// of them gets, and a slice of 0.1 ms, after which one that wakes up runs at once (Linux 6.12 and
/// later; before, the kernel takes no notice). For work that others wait for only when it is far
/// behind; there is no way back.
void step_back();

}  // namespace parley
