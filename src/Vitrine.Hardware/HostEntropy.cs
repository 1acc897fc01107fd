using System.Security.Cryptography;
using Vitrine.Abi;

namespace Vitrine.Hardware;

/// <summary>The entropy source of real mode: the host's.</summary>
[HostBoundary("is the machine's entropy source")]
internal sealed class HostEntropy : IEntropyDevice
{
    public void Fill(Span<byte> destination) => RandomNumberGenerator.Fill(destination);
}
