using Vitrine.Hardware.Host;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Drivers.Tty;

/// <summary>
/// One end of a pseudo-terminal (pty(7)): what is written to it arrives at the other end. The pair lives until both ends
/// are closed; closing the master hangs the slave up and takes its name away.
/// </summary>
internal sealed class PtyDevice : TtyDevice
{
    /// <summary>The declared size of a pair, with its buffers.</summary>
    private const int PairSize = 40 << 10;

    private readonly IPtyDirectory _directory;
    private readonly bool _isMaster;
    private Cgroup? _chargedTo;
    private bool _isGone;

    private PtyDevice(KernelInstance kernel, IPtyDirectory directory, int number, bool isMaster)
        : base(kernel, number, isMaster ? StandardAttributes.Raw : StandardAttributes.Cooked)
    {
        _directory = directory;
        _isMaster = isMaster;
    }

    public override bool IsMaster => _isMaster;

    /// <summary>The slave can't be opened yet (TIOCSPTLCK on the master).</summary>
    public bool IsLocked { get; set; }

    public override DeviceNumber Number => new(_isMaster ? PtyDriver.MasterMajor : PtyDriver.SlaveMajor, (uint)Index);

    public PtyDevice Other => (PtyDevice)Link!;

    public override int WriteRoom => IsStopped ? 0 : Link!.Input.Room;

    protected override KernelTermios InitialAttributes => _isMaster ? StandardAttributes.Raw : StandardAttributes.Cooked;

    /// <summary>Makes a pair with a node for the slave, which is locked. ENOSPC without a number, ENOMEM at the cgroup's limit.</summary>
    /// <returns>The master.</returns>
    public static Result<PtyDevice> CreatePair(Task current, IPtyDirectory directory)
    {
        Errno error = current.Cgroup.ChargeKernelMemory(PairSize);
        if (error != Errno.Success)
            return error;
        Result<int> number = directory.AllocateNumber();
        if (!number.Ok)
        {
            current.Cgroup.UnchargeKernelMemory(PairSize);
            return number.Error;
        }

        KernelInstance kernel = current.Kernel;
        var master = new PtyDevice(kernel, directory, number.Value, isMaster: true) { _chargedTo = current.Cgroup };
        var slave = new PtyDevice(kernel, directory, number.Value, isMaster: false) { IsLocked = true };
        master.Link = slave;
        slave.Link = master;
        error = directory.AddNode(current, slave);
        if (error != Errno.Success)
        {
            directory.FreeNumber(number.Value);
            current.Cgroup.UnchargeKernelMemory(PairSize);
            return error;
        }

        directory.Hold();
        kernel.Terminals.PairCount++;
        return master;
    }

    public override int Write(ReadOnlySpan<byte> bytes) => IsStopped || bytes.IsEmpty ? 0 : Link!.Insert(bytes);

    public override void FlushOutput()
    {
        Link!.DropInput();
        ReportStatus(PacketStatus.FlushWrite, PacketStatus.Data);
    }

    /// <summary>EIO when the master is closed, or has not unlocked the slave.</summary>
    public override Errno CheckOpen(Task current)
    {
        if (_isGone || IsOtherClosed || IsLocked || (!_isMaster && Other.OpenCount == 0))
            return Errno.EIO;
        return base.CheckOpen(current);
    }

    /// <summary>Both ends have one window; both ends' foreground groups are told.</summary>
    public override void Resize(WindowSize window)
    {
        if (window == Window)
            return;
        PidNumber? own = Foreground;
        PidNumber? others = Link!.Foreground;
        if (own is not null)
            SignalSender.SendKernelToProcessGroup(own, SignalNumber.Winch);
        if (others is not null && others != own)
            SignalSender.SendKernelToProcessGroup(others, SignalNumber.Winch);
        Window = window;
        Link.Window = window;
    }

    public override void NoteInteractiveUse(TerminalUse use) => (Link!.Consumer as HostTerminalBridge)?.NoteInteractiveUse(use);

    public override async KTask<SyscallResult> DriverControlAsync(Task current, TtyFile file, uint command, ulong argument)
    {
        if (!_isMaster)
            return Errno.ENOIOCTLCMD;
        var number = new UserPtr<int>(new VirtAddr(argument));
        switch (command)
        {
            case TerminalIoctl.SetPtyLock:
                {
                    Result<int> value = await current.ReadUserAsync(number);
                    if (!value.Ok)
                        return value.Error;
                    Other.IsLocked = value.Value != 0;
                    return SyscallResult.Success;
                }

            case TerminalIoctl.GetPtyLock:
                return await current.WriteUserAsync(number, Other.IsLocked ? 1 : 0);
            case TerminalIoctl.PacketMode:
                {
                    Result<int> value = await current.ReadUserAsync(number);
                    if (!value.Ok)
                        return value.Error;
                    if (value.Value != 0 && !IsPacketMode)
                        Other.PendingStatus = PacketStatus.Data;
                    IsPacketMode = value.Value != 0;
                    return SyscallResult.Success;
                }

            case TerminalIoctl.GetPacketMode:
                return await current.WriteUserAsync(number, IsPacketMode ? 1 : 0);
            case TerminalIoctl.GetPtyNumber:
                return await current.WriteUserAsync(number, Index);
            case TerminalIoctl.SignalPty:
                return SignalForeground((SignalNumber)(int)argument);
            case TerminalIoctl.OpenPeer:
                return await PtyDriver.OpenPeerAsync(current, file, this, (OpenFlags)(uint)argument);
            default:
                return Errno.ENOIOCTLCMD;
        }
    }

    /// <summary>The kernel held the master and lets it go.</summary>
    public void ClosedByKernel()
    {
        OpenCount--;
        OnClosed();
    }

    protected override void OnOpened()
    {
        base.OnOpened();
        if (!_isMaster)
            Link!.IsOtherClosed = false;
    }

    protected override void OnClosed()
    {
        if (OpenCount > 0)
            return;
        if (_isMaster)
            CloseMaster();
        else if (!HasIoError)
            CloseEnd();
        if (Link!.OpenCount == 0)
            Free();
    }

    /// <summary>Character size, parity and receiver can't be anything else; a master in packet mode hears of changes.</summary>
    protected override void AdaptAttributes(in KernelTermios old, ref KernelTermios wanted)
    {
        wanted.Control = (wanted.Control & ~(ControlModes.SizeMask | ControlModes.ParityEnable)) | ControlModes.Size8 | ControlModes.Receiver;
        if (!TellsMaster)
            return;
        bool externalChange = old.Has(LocalModes.ExternalProcessing) || wanted.Has(LocalModes.ExternalProcessing);
        bool oldFlow = UsesStandardFlow(old);
        bool newFlow = UsesStandardFlow(wanted);
        if (oldFlow != newFlow)
            ReportStatus(newFlow ? PacketStatus.DoStop : PacketStatus.NoStop, PacketStatus.DoStop | PacketStatus.NoStop);
        if (externalChange)
            ReportStatus(PacketStatus.Ioctl, PacketStatus.Data);
    }

    private static bool UsesStandardFlow(in KernelTermios attributes) =>
        attributes.Has(InputModes.FlowControlOutput)
        && attributes.Character(ControlCharacter.Stop) == 0x13 && attributes.Character(ControlCharacter.Start) == 0x11;

    /// <summary>TIOCSIG: the signals that a line discipline makes of characters, made by the master itself.</summary>
    private Errno SignalForeground(SignalNumber signal)
    {
        if (signal is not (SignalNumber.Int or SignalNumber.Quit or SignalNumber.Tstp))
            return Errno.EINVAL;
        if (Link!.Foreground is { } group)
            SignalSender.SendKernelToProcessGroup(group, signal);
        return Errno.Success;
    }

    private void CloseMaster()
    {
        CloseEnd();
        IsOtherClosed = true;
        _directory.RemoveNode(Other);
        Link!.HangUp();
    }

    private void CloseEnd()
    {
        HasIoError = true;
        IsPacketMode = false;
        ReadWait.WakeAll();
        WriteWait.WakeAll();
        Link!.IsOtherClosed = true;
        Link.ReadWait.WakeAll();
        Link.WriteWait.WakeAll();
    }

    private void Free()
    {
        if (_isGone)
            return;
        _isGone = Other._isGone = true;
        PtyDevice slave = _isMaster ? Other : this;
        if (slave.Session is { } session)
            slave.ForgetTerminal(session);
        _directory.FreeNumber(Index);
        _directory.Unhold();
        Kernel.Terminals.PairCount--;
        (_chargedTo ?? Other._chargedTo)!.UnchargeKernelMemory(PairSize);
    }
}
