namespace Vitrine.Kernel.Drivers.Tty;

/// <summary>
/// Who takes what arrives at a terminal: its line discipline, or what stands behind a master that the kernel holds. Both
/// are called under the kernel lock and must not wait.
/// </summary>
internal interface ITtyConsumer
{
    /// <summary>Takes what it has room for; the rest is offered again by <see cref="TtyDevice.PumpInput"/>.</summary>
    int Receive(ReadOnlySpan<byte> bytes);

    /// <summary>The terminal's driver takes output again after it had been full.</summary>
    void OutputRoom();
}
