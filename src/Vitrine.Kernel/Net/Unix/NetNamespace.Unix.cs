using Vitrine.Kernel.Net.Unix;

namespace Vitrine.Kernel.Namespaces;

/// <content>Abstract names of Unix sockets: one table per network namespace.</content>
internal sealed partial class NetNamespace
{
    private uint _nextAutomatic;

    /// <summary>Sockets bound to abstract names, by the name's bytes as Latin-1 text.</summary>
    internal Dictionary<string, UnixSocket> AbstractNames { get; } = [];

    internal uint NextAutomaticName() => _nextAutomatic++ & 0xFFFFF;
}
