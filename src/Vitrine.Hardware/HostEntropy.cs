using System.Runtime.InteropServices;
using Vitrine.Abi;
using Vitrine.Hardware.Host;

namespace Vitrine.Hardware;

/// <summary>
/// The entropy source of real mode: the host's getrandom(2), asked directly, since the platform's random generator loads
/// a cryptographic library first (tens of milliseconds of a machine's start).
/// </summary>
[HostBoundary("is the machine's entropy source")]
internal sealed class HostEntropy : IEntropyDevice
{
    public unsafe void Fill(Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            nint got;
            // SAFETY: the host writes at most the span's length, and the span is pinned meanwhile.
            fixed (byte* at = destination)
                got = Libc.GetRandom(at, (nuint)destination.Length, 0);
            if (got < 0 && Marshal.GetLastPInvokeError() != (int)Errno.EINTR)
                throw new HostRefusedException("random numbers", (Errno)Marshal.GetLastPInvokeError());
            if (got > 0)
                destination = destination[(int)got..];
        }
    }
}
