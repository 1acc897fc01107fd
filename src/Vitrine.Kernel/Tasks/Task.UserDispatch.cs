using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Signals;

namespace Vitrine.Kernel.Tasks;

/// <summary>
/// Which calls a thread wants to see itself as SIGSYS (struct syscall_user_dispatch's twin): those from outside a range of
/// code, while the selector's byte says so.
/// </summary>
internal sealed record UserDispatch(ulong Offset, ulong Length, VirtAddr Selector);

/// <content>PR_SET_SYSCALL_USER_DISPATCH: calls that the program takes care of itself, as emulators of other systems want.</content>
internal sealed partial class Task
{
    private const byte DispatchAllows = 0;
    private const byte DispatchBlocks = 1;

    /// <summary>Length of the syscall instruction.</summary>
    private const int CallLength = 2;

    private UserDispatch? _userDispatch;

    /// <summary>What a tracer sees of it.</summary>
    public UserDispatch? CurrentUserDispatch => _userDispatch;

    /// <summary>Switches it on, or off with null. A child starts without, and so does a new program.</summary>
    public void SetUserDispatch(UserDispatch? dispatch) => _userDispatch = dispatch;

    /// <summary>The call being made is not the kernel's: the registers stay as they are and a signal tells of it.</summary>
    private unsafe bool IsDispatchedToUser()
    {
        UserDispatch dispatch = _userDispatch!;
        ulong at = Registers->Rip;
        if (at - dispatch.Offset < dispatch.Length)
            return false;
        if (dispatch.Selector.Value != 0)
        {
            byte selector = 0;
            if (Mm!.CopyFromUser(dispatch.Selector, new Span<byte>(ref selector)) == 0)
            {
                // The instruction is run again with the selector's page in place.
                Registers->Rip -= CallLength;
                BeginOther(FaultInSelectorAsync(dispatch.Selector));
                return true;
            }

            if (selector == DispatchAllows)
                return false;
            if (selector != DispatchBlocks)
            {
                SignalSender.ForceFatal(this, SignalNumber.Sys);
                return true;
            }
        }

        SignalSender.Force(this, new SignalInfo
        {
            Signal = SignalNumber.Sys,
            Code = SignalCode.UserDispatch,
            CallAddress = at,
            Syscall = (int)Registers->Rax,
            Architecture = SignalInfo.AuditArchitecture,
        });
        return true;
    }

    private async KTask FaultInSelectorAsync(VirtAddr selector)
    {
        if (await Mm!.FaultInAsync(this, selector, write: false) != Errno.Success)
            SignalSender.ForceFatal(this, SignalNumber.Segv);
    }
}
