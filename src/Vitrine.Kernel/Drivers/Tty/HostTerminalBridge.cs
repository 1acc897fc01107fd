using Vitrine.Hardware.Host;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Init;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Drivers.Tty;

/// <summary>
/// A terminal of the machine whose screen and keyboard are outside: a pseudo-terminal whose master the kernel holds, with
/// a channel of the host behind it. It is engaged when a program first waits for input or sets attributes; until then
/// typed characters are left to the host. Guarded by the kernel lock; the host's events come as interrupts.
/// </summary>
internal sealed class HostTerminalBridge : ITtyConsumer, IHostResource
{
    private const int ChunkSize = 4096;

    private readonly KernelInstance _kernel;
    private readonly PtyDevice _master;
    private readonly TerminalChannel _channel;
    private readonly byte[] _typed = new byte[ChunkSize];
    private int _typedStart;
    private int _typedEnd;
    private HostReadiness _armed;
    private TerminalUse? _wanted;
    private bool _isEngaged;
    private bool _isPumping;
    private bool _isClosed;

    private HostTerminalBridge(KernelInstance kernel, PtyDevice master, TerminalChannel channel)
    {
        _kernel = kernel;
        _master = master;
        _channel = channel;
        master.Consumer = this;
        master.OpenCount = 1;
        master.Other.IsLocked = false;
        master.Resize(channel.Window);
    }

    /// <summary>The terminal as programs see it.</summary>
    public PtyDevice Slave => _master.Other;

    /// <summary>
    /// The terminal for a channel, made at its first use in the instance of devpts on /dev/pts. The first of a machine is
    /// its console.
    /// </summary>
    public static async KTask<Result<HostTerminalBridge>> ForAsync(Task current, TerminalChannel channel)
    {
        TtyRegistry terminals = current.Kernel.Terminals;
        if (terminals.Bridges.TryGetValue(channel, out HostTerminalBridge? known))
            return known;
        Result<VfsPath> place = await BootPaths.FindAsync(current, "/dev/pts"u8.ToArray());
        if (!place.Ok)
            return place.Error;
        Result<PtyDevice> pair = place.Value.Dentry.SuperBlock is IPtyDirectory directory ? PtyDevice.CreatePair(current, directory) : Errno.ENODEV;
        place.Value.Put();
        if (!pair.Ok)
            return pair.Error;
        var bridge = new HostTerminalBridge(current.Kernel, pair.Value, channel);
        terminals.Bridges.Add(channel, bridge);
        terminals.Console ??= bridge.Slave;
        current.Kernel.AddHostResource(bridge);
        channel.Changed = () => current.Kernel.Interrupts.Post(bridge.OnChanged);
        return bridge;
    }

    /// <summary>Opens the terminal for a program that starts with it; its controlling terminal if it has none.</summary>
    public async KTask<Result<OpenFile>> OpenAsync(Task current)
    {
        byte[] path = System.Text.Encoding.ASCII.GetBytes(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"/dev/pts/{_master.Index}"));
        Result<VfsPath> place = await BootPaths.FindAsync(current, path);
        if (!place.Ok)
            return place.Error;
        OpenFlags flags = (OpenFlags)(_channel.Flags & (uint)OpenFlags.AccessMode);
        Result<OpenFile> opened = await current.Kernel.Vfs.OpenInodeAsync(current, place.Value, place.Value.Dentry.Inode!, flags);
        place.Value.Put();
        if (opened.Ok && current.ThreadGroup is { IsSessionLeader: true, Terminal: null } && Slave.Session is null)
            Slave.SetControlling(current.ThreadGroup);
        return opened;
    }

    public void NoteInteractiveUse(TerminalUse use)
    {
        if (_isEngaged || _isClosed)
            return;
        _wanted = use;
        _isEngaged = _channel.Engage(use);
        if (_isEngaged)
            PumpTyped();
    }

    /// <summary>The program that the terminal was for has ended: it goes back to the caller.</summary>
    /// <param name="screenToo">It was killed, and could not leave the screen as it would have.</param>
    public void Disengage(bool screenToo)
    {
        _wanted = null;
        _isEngaged = false;
        _channel.Disengage(screenToo);
    }

    /// <summary>What programs wrote goes to the screen.</summary>
    public int Receive(ReadOnlySpan<byte> bytes)
    {
        int written = _channel.Write(bytes);
        if (written >= 0)
            return written;
        if (written == -(int)Errno.EAGAIN)
        {
            Arm(HostReadiness.Writable);
            return 0;
        }

        _kernel.Interrupts.Post(Close);
        return bytes.Length;
    }

    /// <summary>The terminal takes typed characters again.</summary>
    public void OutputRoom() => PumpTyped();

    /// <summary>The outer terminal is gone, or the machine ends: the inner one hangs up.</summary>
    public void Close()
    {
        if (_isClosed)
            return;
        _isClosed = true;
        _kernel.Terminals.Bridges.Remove(_channel);
        if (_kernel.Terminals.Console == Slave)
            _kernel.Terminals.Console = null;
        _master.ClosedByKernel();
    }

    public void ReleaseHost()
    {
        while (_master.Input.Count > 0)
        {
            ReadOnlySpan<byte> rest = _master.Input.Peek();
            _channel.WriteOut(rest);
            _master.Input.Take(rest.Length);
        }

        _channel.Changed = null;
        _channel.Disengage(screenToo: true);
        _channel.Dispose();
    }

    private void OnChanged()
    {
        if (_isClosed)
            return;
        Slave.Resize(_channel.Window);
        if (_wanted is { } use && !_isEngaged)
            NoteInteractiveUse(use);
    }

    private void OnReady()
    {
        _armed = HostReadiness.None;
        if (_isClosed)
            return;
        _master.PumpInput();
        PumpTyped();
    }

    private void Arm(HostReadiness wanted)
    {
        if ((_armed & wanted) == wanted)
            return;
        _armed |= wanted;
        _channel.Arm(_armed, PostReady);
    }

    private void PostReady() => _kernel.Interrupts.Post(OnReady);

    /// <summary>Typed characters go to the line discipline, as far as it takes them.</summary>
    private void PumpTyped()
    {
        if (_isPumping || !_isEngaged || _isClosed)
            return;
        _isPumping = true;
        while (!_isClosed)
        {
            if (_typedStart < _typedEnd)
            {
                int taken = _master.Write(_typed.AsSpan(_typedStart, _typedEnd - _typedStart));
                _typedStart += taken;
                if (taken == 0)
                    break;
                continue;
            }

            int count = _channel.Read(_typed);
            if (count == -(int)Errno.EAGAIN)
            {
                Arm(HostReadiness.Readable);
                break;
            }

            if (count <= 0)
            {
                Close();
                break;
            }

            (_typedStart, _typedEnd) = (0, count);
        }

        _isPumping = false;
    }
}
