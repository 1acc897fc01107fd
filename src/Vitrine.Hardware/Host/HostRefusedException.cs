using Vitrine.Abi;

namespace Vitrine.Hardware.Host;

/// <summary>The host refused something without which there is no machine.</summary>
internal sealed class HostRefusedException(string what, Errno error) : Exception($"the host refused {what}: {error}")
{
    public Errno Error { get; } = error;
}
