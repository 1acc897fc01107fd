namespace Vitrine.Abi;

/// <summary>Commands of fcntl(2) on x86-64.</summary>
internal enum FcntlCommand
{
    DupFd = 0,
    GetFd = 1,
    SetFd = 2,
    GetFl = 3,
    SetFl = 4,
    GetLk = 5,
    SetLk = 6,
    SetLkW = 7,
    SetOwn = 8,
    GetOwn = 9,
    SetSig = 10,
    GetSig = 11,
    SetOwnEx = 15,
    GetOwnEx = 16,
    GetOwnerUids = 17,
    OfdGetLk = 36,
    OfdSetLk = 37,
    OfdSetLkW = 38,
    SetLease = 1024,
    GetLease = 1025,
    Notify = 1026,
    DupFdQuery = 1027,
    DupFdCloseOnExec = 1030,
    SetPipeSize = 1031,
    GetPipeSize = 1032,
    AddSeals = 1033,
    GetSeals = 1034,
}
