namespace Vitrine.Hardware.Host;

/// <summary>The null device as a channel: always at its end, takes everything.</summary>
internal sealed class NullChannel : HostChannel
{
    public override HostChannelKind Kind => HostChannelKind.CharacterDevice;

    public override uint Mode => 0x2000 | 0x1b6;

    public override uint Flags => 2;

    // Device 1:3, /dev/null.
    public override ulong RawDevice => 0x103;

    public override int Read(Span<byte> buffer) => 0;

    public override int Write(ReadOnlySpan<byte> bytes) => bytes.Length;

    public override HostReadiness Poll() => HostReadiness.Readable | HostReadiness.Writable;

    public override void Arm(HostReadiness wanted, Action ready) => ready();

    public override void Dispose()
    {
    }
}
