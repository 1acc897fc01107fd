using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Drivers.Tty;

/// <content>Attributes in their four forms: termios, termios2, System V's termio, and the locked ones.</content>
internal sealed partial class TtyFile
{
    /// <summary>When attributes take effect.</summary>
    private enum ChangeTime
    {
        Now = 0,

        /// <summary>When output is out.</summary>
        Drained = 1,

        /// <summary>When output is out, and unread input is dropped.</summary>
        Flushed = 2,
    }

    private async KTask<SyscallResult> AttributeIoctlAsync(Task current, TtyDevice real, uint command, ulong argument)
    {
        var at = new VirtAddr(argument);
        switch (command)
        {
            case TerminalIoctl.GetAttributes:
                return await WriteAsync(current, at, real.Attributes, KernelTermios.ShortSize);
            case TerminalIoctl.GetAttributes2:
                return await WriteAsync(current, at, real.Attributes, KernelTermios.Size);
            case TerminalIoctl.SetAttributes:
            case TerminalIoctl.SetAttributesDrain:
            case TerminalIoctl.SetAttributesFlush:
                return await SetAsync(current, real, at, KernelTermios.ShortSize, (ChangeTime)(command - TerminalIoctl.SetAttributes));
            case TerminalIoctl.SetAttributes2:
            case TerminalIoctl.SetAttributes2Drain:
            case TerminalIoctl.SetAttributes2Flush:
                return await SetAsync(current, real, at, KernelTermios.Size, (ChangeTime)(command - TerminalIoctl.SetAttributes2));
            case TerminalIoctl.GetTermio:
                return await current.WriteUserAsync(new UserPtr<ShortTermio>(at), ToShort(real.Attributes));
            case TerminalIoctl.SetTermio:
            case TerminalIoctl.SetTermioDrain:
            case TerminalIoctl.SetTermioFlush:
                return await SetShortAsync(current, real, at, (ChangeTime)(command - TerminalIoctl.SetTermio));
            case TerminalIoctl.GetLockedAttributes:
                return await WriteAsync(current, at, real.LockedAttributes, KernelTermios.ShortSize);
            case TerminalIoctl.SetLockedAttributes:
                {
                    if (!current.IsCapable(Capability.SysAdmin))
                        return Errno.EPERM;
                    Result<KernelTermios> locked = await ReadAsync(current, at, KernelTermios.ShortSize, default);
                    if (!locked.Ok)
                        return locked.Error;
                    real.LockedAttributes = locked.Value;
                    return SyscallResult.Success;
                }

            case TerminalIoctl.GetSoftCarrier:
                return await current.WriteUserAsync(new UserPtr<int>(at), (real.Attributes.Control & ControlModes.Local) != 0 ? 1 : 0);
            case TerminalIoctl.SetSoftCarrier:
                {
                    Result<int> value = await current.ReadUserAsync(new UserPtr<int>(at));
                    if (!value.Ok)
                        return value.Error;
                    KernelTermios changed = real.Attributes;
                    changed.Control = value.Value != 0 ? changed.Control | ControlModes.Local : changed.Control & ~ControlModes.Local;
                    real.SetAttributes(changed);
                    return SyscallResult.Success;
                }

            default:
                return Errno.ENOTTY;
        }
    }

    private static async KTask<SyscallResult> WriteAsync(Task current, VirtAddr at, KernelTermios attributes, int size)
    {
        byte[] bytes = new byte[KernelTermios.Size];
        MemoryMarshal.Write(bytes, attributes);
        return await current.WriteUserBytesAsync(at, bytes.AsMemory(0, size));
    }

    /// <summary>Reads the form of this size; what it lacks stays as it is in <paramref name="old"/>.</summary>
    private static async KTask<Result<KernelTermios>> ReadAsync(Task current, VirtAddr at, int size, KernelTermios old)
    {
        byte[] bytes = new byte[KernelTermios.Size];
        MemoryMarshal.Write(bytes, old);
        Errno error = await current.ReadUserBytesAsync(at, bytes.AsMemory(0, size));
        return error != Errno.Success ? error : MemoryMarshal.Read<KernelTermios>(bytes);
    }

    private async KTask<SyscallResult> SetAsync(Task current, TtyDevice real, VirtAddr at, int size, ChangeTime when)
    {
        Errno error = JobControl.Check(current, real, SignalNumber.TtOu);
        if (error != Errno.Success)
            return error;
        Result<KernelTermios> read = await ReadAsync(current, at, size, real.Attributes);
        return read.Ok ? await ApplyAsync(current, real, read.Value, when) : read.Error;
    }

    private async KTask<SyscallResult> SetShortAsync(Task current, TtyDevice real, VirtAddr at, ChangeTime when)
    {
        Errno error = JobControl.Check(current, real, SignalNumber.TtOu);
        if (error != Errno.Success)
            return error;
        Result<ShortTermio> read = await current.ReadUserAsync(new UserPtr<ShortTermio>(at));
        return read.Ok ? await ApplyAsync(current, real, FromShort(read.Value, real.Attributes), when) : read.Error;
    }

    private async KTask<SyscallResult> ApplyAsync(Task current, TtyDevice real, KernelTermios wanted, ChangeTime when)
    {
        SetSpeeds(ref wanted);
        if (when == ChangeTime.Flushed)
        {
            real.PumpInput();
            real.Discipline.FlushInput();
        }

        if (when != ChangeTime.Now)
        {
            Errno error = await DrainAsync(current);
            if (error != Errno.Success)
                return error;
        }

        real.SetAttributes(wanted);
        return SyscallResult.Success;
    }

    /// <summary>The speeds that the bits of c_cflag say; with BOTHER those of the structure count.</summary>
    private static void SetSpeeds(ref KernelTermios attributes)
    {
        const int inputShift = 16;
        ControlModes output = attributes.Control & ControlModes.BaudMask;
        if (output != ControlModes.BaudOther)
            attributes.OutputSpeed = SpeedOf(output);
        var input = (ControlModes)((uint)(attributes.Control & ControlModes.InputBaudMask) >> inputShift);
        if (input == 0)
            attributes.InputSpeed = attributes.OutputSpeed;
        else if (input != ControlModes.BaudOther)
            attributes.InputSpeed = SpeedOf(input);
    }

    private static uint SpeedOf(ControlModes baud)
    {
        ReadOnlySpan<uint> low = [0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400];
        ReadOnlySpan<uint> high =
        [
            0, 57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000,
        ];
        int number = (int)baud & 0xf;
        return (baud & ControlModes.BaudOther) != 0 ? high[number] : low[number];
    }

    private static unsafe ShortTermio ToShort(in KernelTermios attributes)
    {
        var result = new ShortTermio
        {
            Input = (ushort)attributes.Input,
            Output = (ushort)attributes.Output,
            Control = (ushort)attributes.Control,
            Local = (ushort)attributes.Local,
            Discipline = attributes.Discipline,
        };

        // SAFETY: eight characters in a fixed array of eight, in a local structure.
        for (int i = 0; i < 8; i++)
            result.Characters[i] = attributes.Characters[i];
        return result;
    }

    /// <summary>The upper halves of the modes and the other characters stay.</summary>
    private static unsafe KernelTermios FromShort(ShortTermio read, KernelTermios old)
    {
        const uint upper = 0xffff0000;
        old.Input = (InputModes)(((uint)old.Input & upper) | read.Input);
        old.Output = (OutputModes)(((uint)old.Output & upper) | read.Output);
        old.Control = (ControlModes)(((uint)old.Control & upper) | read.Control);
        old.Local = (LocalModes)(((uint)old.Local & upper) | read.Local);
        old.Discipline = read.Discipline;

        // SAFETY: as above.
        for (int i = 0; i < 8; i++)
            old.Characters[i] = read.Characters[i];
        return old;
    }
}
