using Vitrine.Cpu;

namespace Vitrine.Hardware;

/// <summary>The machine's memory modules.</summary>
internal interface IRamDevice
{
    /// <summary>Guest RAM, at one place in the host's memory for the device's life.</summary>
    GuestMemory Memory { get; }

    /// <summary>
    /// Gives the pages of a range back to the host; they read as zeros afterwards. Page-aligned. Any thread, no lock:
    /// the caller vouches that nobody uses the range meanwhile.
    /// </summary>
    void Discard(ulong offset, ulong length);
}
